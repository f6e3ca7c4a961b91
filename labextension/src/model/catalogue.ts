import type { TranslationBundle } from '@jupyterlab/translation';

import type { IApi, IExample, IPresets } from '../api';
import { type IProblem, isUsable, versionProblem } from './problems';
import { ConfigSchema } from './schema';

/** What the server has to make forms from, and whether it has it. */
export class Catalogue {
  constructor(
    private readonly _api: IApi,
    /** Version of this front end. */
    private readonly _version: string,
    private readonly _trans: TranslationBundle
  ) {}

  presets: IPresets = { tasks: [], models: [] };
  examples: IExample[] = [];
  /** Why the wizard cannot work, or a doubt about versions. */
  problem: IProblem | null = null;

  /** Ask the server who it is; resolves to whether it is one that we can work with. */
  async greet(): Promise<boolean> {
    const health = await this._api.health();
    this.problem = versionProblem(health, this._version, this._trans);
    return isUsable(health);
  }

  /** Fetch everything, and return the schema. */
  async fetch(): Promise<ConfigSchema> {
    const { _api: api } = this;
    const [schema, presets, examples] = await Promise.all([
      api.schema(),
      api.presets(),
      api.examples()
    ]);
    this.presets = presets;
    this.examples = examples;
    return new ConfigSchema(schema);
  }
}
