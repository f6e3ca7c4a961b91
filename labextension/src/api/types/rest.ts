import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';

/** Unfinished config as the user types it: any field may be absent, and hold anything. */
export type Draft = PartialJSONObject;

export type Severity = 'error' | 'warning' | 'info';

/** The one currency for everything that is wrong or doubtful. */
export interface IFinding {
  code: string;
  severity: Severity;
  /** Field path such as `hyperparams.learning_rate`, or a row of the data. */
  where: string;
  message: string;
  hint: string;
}

export interface IHealth {
  version: string;
  api: number;
  schema_version: number;
  python: string;
  server: string;
  catalogue_language?: string;
}

export interface ITaskPreset {
  id: string;
  title: string;
  description: string;
  level: 'beginner' | 'advanced';
  config: Draft;
}

export interface IModelPreset {
  id: string;
  title: string;
  /** Number of weights. */
  parameters?: number | null;
  /** Context length in tokens. */
  context?: number | null;
  licence?: string | null;
  tune_types?: string[];
  task?: string;
}

export interface IPresets {
  tasks: ITaskPreset[];
  models: IModelPreset[];
}

export interface IExample {
  name: string;
  title: string;
  format: string;
  rows: number;
  bytes: number;
  /** Path inside the server's root, null where the file is only in the package. */
  path: string | null;
  columns?: { [canonical: string]: string };
}

export interface IValidation {
  valid: boolean;
  findings: IFinding[];
  config: Draft | null;
  yaml: string | null;
}

/** A generated cell, as nbformat has it. */
export interface IGeneratedCell {
  cell_type: string;
  source: string | string[];
  id?: string;
  metadata: PartialJSONObject & { jupyter_ft?: ICellOrigin };
}

/** What tells a cell that we made from one that the user wrote or edited. */
export interface ICellOrigin extends PartialJSONObject {
  section: string;
  template: string;
  digest: string;
}

export interface IGenerated {
  cells: IGeneratedCell[];
  metadata: PartialJSONObject;
  yaml: string;
}

/** Which data is looked at: a file of the server, or a dataset of the hub. */
export type IDataSource =
  | { path: string; id?: undefined }
  | { id: string; path?: undefined; config_name?: string; revision?: string };

/** What a request for a look at data names. */
export type IPreviewRequest = IDataSource & { format?: string; columns?: PartialJSONObject };

/** What is known of a dataset of the hub. */
export interface IHubDataset {
  id: string;
  licence: string | null;
  gated: boolean | null;
  commit: string | null;
  config_name: string | null;
  configs: string[];
  /** The one that the rows are of. */
  split: string | null;
  splits: string[];
}

/** Of the data, what an estimate needs. */
export interface IDataSize extends PartialJSONObject {
  rows?: number;
  /** Of a row on average. */
  characters?: number;
  /** Of the longest row, in UTF-8; only when all rows were read. */
  longest_bytes?: number;
}

export interface IPreview {
  name: string;
  bytes: number | null;
  /** Detected format, null when no format fits. */
  format: string | null;
  declared: string | null;
  columns: string[];
  mapping: { [canonical: string]: string };
  rows: PartialJSONObject[];
  /** Null when the data was not read whole. */
  total_rows: number | null;
  /** As many, or about as many. */
  estimated_rows: number | null;
  statistics: PartialJSONObject | null;
  labels: { label: string; count: number }[] | null;
  hub: IHubDataset | null;
  findings: IFinding[];
  complete: boolean;
}

export interface IRendered {
  segments: { text: string; supervised: boolean }[];
  tokens: number;
  supervised_tokens: number;
  template: string;
  findings: IFinding[];
}

export interface IModelCheck {
  exists: boolean;
  kind: string;
  gated: boolean | null;
  licence: string | null;
  architecture: string | null;
  parameters: number | null;
  /** Tokens. */
  context_length: number | null;
  chat_template: boolean | null;
  quantised: string | null;
  commit: string | null;
  findings: IFinding[];
}

export interface IEstimate {
  /** Bytes by part, and `total`. */
  memory: { [part: string]: number } | null;
  device: { name: string; memory_bytes: number | null } | null;
  fits: boolean | null;
  trainable_parameters: number | null;
  parameters: number | null;
  time_seconds: number | null;
  method: string;
  findings: IFinding[];
}

/** What a request for a rendered row names. */
export interface IRenderRequest extends PartialJSONObject {
  path?: string;
  id?: string;
  config_name?: string;
  dataset_revision?: string;
  format: string;
  columns: PartialJSONValue;
  provider: string;
  model_id: string;
  revision?: string;
  /** Tokens: a longer row is shown as far as it is trained on. */
  max_seq_len?: number;
  row: number;
}
