import type { ISharedNotebook } from '@jupyter/ydoc';

/** A notebook that is open, as far as delivery needs it. */
export interface INotebookTarget {
  name: string;
  /** Where it is now. */
  readonly path: string;
  /** Folder of the notebook, from the server's root. */
  folder: string;
  shared: ISharedNotebook;
  activeIndex: number;
  readOnly: boolean;
  /** Language of its kernel or metadata, '' when unknown. */
  language: string;
  kernel: 'ready' | 'busy' | 'dead' | 'none';
  /** Whether its file was written by someone else since it was read here. */
  isStale(): Promise<boolean>;
  /** Show the cell at an index, unless the notebook was closed. */
  reveal(index: number): void;
}

/** What the application around the wizard can do; the plugins give it. */
export interface IHost {
  /** The notebook that the user looked at last, null when none is open. */
  notebook(): INotebookTarget | null;
  /** Folder that the file browser shows. */
  folder(): string;
  /** Write a new file beside others without overwriting one; returns its path. */
  write(folder: string, name: string, content: string | object): Promise<string>;
  /** Read a text file; throws ToldError for one that is too big for a config. */
  read(path: string): Promise<string>;
  /** Upload a file into the file browser's folder; returns its path. */
  upload(file: File): Promise<string>;
  open(path: string): Promise<void>;
  download(blob: Blob, name: string): void;
  copy(text: string): Promise<void>;
  /** Let the user pick a file; null when they changed their mind. */
  pick(): Promise<string | null>;
}
