import { readFileSync } from 'fs';
import { join } from 'path';

import { YNotebook } from '@jupyter/ydoc';
import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONObject } from '@lumino/coreutils';

import type {
  Draft,
  IApi,
  IDataSize,
  IEstimate,
  IFinding,
  IGenerated,
  IGeneratedCell,
  IPreview
} from '../src/api';
import type { IHost, INotebookTarget } from '../src/model/host';
import { digest } from '../src/model/cells';
import { Persistence } from '../src/model/persistence';
import { WizardModel } from '../src/model/wizard';

export const trans: TranslationBundle = nullTranslator.load('jupyter_ft');

export const schema: PartialJSONObject = JSON.parse(
  readFileSync(join(__dirname, '../../schemas/config.schema.json'), 'utf8')
);

export function finding(where: string, severity: IFinding['severity'] = 'error'): IFinding {
  return { code: 'config.test', severity, where, message: `wrong: ${where}`, hint: 'mend it' };
}

/** A cell as the builder makes it. */
export function cell(template: string, source: string, type = 'code'): IGeneratedCell {
  const origin = { section: 'section', template, digest: digest(source) };
  return { cell_type: type, id: template, source, metadata: { jupyter_ft: origin } };
}

export const PREVIEW: IPreview = {
  name: 'rows.jsonl',
  bytes: 2048,
  format: 'jsonl_instr',
  declared: null,
  columns: ['question', 'answer'],
  mapping: { instruction: 'question', output: 'answer' },
  rows: [{ question: 'Why?', answer: 'Because.' }],
  total_rows: 1,
  estimated_rows: 1,
  statistics: null,
  labels: null,
  hub: null,
  findings: [],
  complete: true
};

/** A server in memory; `calls` says what it was asked. */
export class FakeApi implements IApi {
  calls: { route: string; body: unknown }[] = [];
  findings: (config: Draft) => IFinding[] = () => [];
  generated: IGeneratedCell[] = [
    cell('10_title', '# Title', 'markdown'),
    cell('20_config', 'c = 1')
  ];
  failure: unknown = null;
  version = '0.1.0';
  api = 1;

  asked(route: string): unknown[] {
    return this.calls.filter(call => call.route === route).map(call => call.body);
  }

  health = () =>
    this._answer('health', null, {
      version: this.version,
      api: this.api,
      schema_version: 1,
      python: '3.11',
      server: '2'
    });
  schema = () => this._answer('schema', null, schema);
  presets = () => this._answer('presets', null, { tasks: [], models: [] });
  examples = () => this._answer('examples', null, []);
  example = (name: string) => this._answer('example', name, 'text');
  validate = (source: { config: Draft } | { text: string }) => {
    const config = 'config' in source ? source.config : { model_id: source.text };
    const findings = this.findings(config);
    const valid = findings.every(one => one.severity !== 'error');
    const answer = { valid, findings, config: valid ? config : null, yaml: valid ? 'yaml' : null };
    return this._answer('validate', source, answer);
  };
  cells = (config: Draft) =>
    this._answer<IGenerated>('cells', config, { cells: this.generated, metadata: {}, yaml: '' });
  notebook = (config: Draft) => this._answer('notebook', config, { cells: [] });
  bundle = (config: Draft) => this._answer('bundle', config, {} as Blob);
  previewed = PREVIEW;
  preview = (query: unknown) => this._answer('preview', query, this.previewed);
  render = (query: unknown) =>
    this._answer('render', query, {
      segments: [],
      tokens: 0,
      supervised_tokens: 0,
      template: 'plain',
      findings: []
    });
  checkModel = (query: unknown) =>
    this._answer('check', query, {
      exists: true,
      kind: 'hub',
      gated: null,
      licence: 'mit',
      architecture: null,
      parameters: null,
      context_length: null,
      chat_template: null,
      quantised: null,
      commit: null,
      findings: []
    });
  estimate = (config: Draft, data: IDataSize | null) =>
    this._answer<IEstimate>(
      'estimate',
      { config, data },
      {
        memory: { weights: 1, total: 1 },
        device: null,
        fits: null,
        trainable_parameters: 1,
        parameters: 1,
        time_seconds: null,
        method: '',
        findings: []
      }
    );

  private async _answer<T>(route: string, body: unknown, answer: T): Promise<T> {
    this.calls.push({ route, body });
    if (this.failure) {
      throw this.failure;
    }
    return answer;
  }
}

export class FakeHost implements IHost {
  target: INotebookTarget | null = null;
  where = '';
  written: { folder: string; name: string; content: unknown }[] = [];
  opened: string[] = [];
  downloaded: string[] = [];

  notebook = () => this.target;
  folder = () => this.where;
  write = async (folder: string, name: string, content: unknown) => {
    this.written.push({ folder, name, content });
    return folder ? `${folder}/${name}` : name;
  };
  read = async () => 'some/model';
  upload = async (file: File) => `up/${file.name}`;
  open = async (path: string) => void this.opened.push(path);
  download = (_blob: Blob, name: string) => void this.downloaded.push(name);
  copy = async () => undefined;
  pick = async () => 'picked.jsonl';
}

/** What a browser's localStorage does. */
export class FakeStore {
  items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
}

export interface IWorld {
  model: WizardModel;
  api: FakeApi;
  host: FakeHost;
  store: FakeStore;
}

export async function world(
  store = new FakeStore(),
  api = new FakeApi(),
  own: FakeStore | null = null
): Promise<IWorld> {
  const host = new FakeHost();
  const persistence = new Persistence(null, store, own, 0);
  const model = new WizardModel({ api, host, persistence, trans, version: '0.1.0' });
  await model.start();
  return { model, api, host, store };
}

/** Let the timers of the questions run out and their answers come in. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await jest.advanceTimersByTimeAsync(400);
  }
}

/** A notebook that is open. */
export function target(over = {}) {
  return {
    name: 'mine.ipynb',
    path: 'work/mine.ipynb',
    folder: 'work',
    shared: YNotebook.create(),
    activeIndex: 0,
    readOnly: false,
    language: 'python',
    kernel: 'ready' as const,
    isStale: async () => false,
    reveal: jest.fn(),
    ...over
  };
}
