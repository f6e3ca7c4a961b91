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

export interface IPreview {
  name: string;
  bytes: number | null;
  /** Detected format, null when no format fits. */
  format: string | null;
  declared: string | null;
  columns: string[];
  mapping: { [canonical: string]: string };
  rows: PartialJSONObject[];
  /** Null when the file was not counted whole. */
  total_rows: number | null;
  statistics: PartialJSONObject | null;
  labels: { label: string; count: number }[] | null;
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
  path: string;
  format: string;
  columns: PartialJSONValue;
  provider: string;
  model_id: string;
  revision?: string;
  row: number;
}
