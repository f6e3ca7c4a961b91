import { Token } from '@lumino/coreutils';

/** What other extensions may ask of the wizard. */
export interface IFineTune {
  /** Bring the panel to the front. */
  show(): void;
  /** Open the wizard at its data step with a file of the server. */
  useDataset(path: string): void;
  /** Read a config file into the wizard; resolves to whether it could be read. */
  loadConfig(path: string): Promise<boolean>;
}

export const IFineTune = new Token<IFineTune>(
  'jupyter-ft:IFineTune',
  'The fine-tuning wizard in the sidebar.'
);

/** Id of the settings, and of the plugin that owns them. */
export const SETTINGS_ID = 'jupyter-ft:panel';

export const CommandIDs = {
  open: 'jupyter-ft:open',
  useDataset: 'jupyter-ft:use-dataset',
  fromConfig: 'jupyter-ft:from-config',
  insert: 'jupyter-ft:insert',
  newNotebook: 'jupyter-ft:new-notebook',
  help: 'jupyter-ft:help'
} as const;

/** Name of the comm target that a kernel opens to put cells into its notebook. */
export const COMM_TARGET = 'jupyter_ft';
