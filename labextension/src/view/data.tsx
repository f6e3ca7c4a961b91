import type { PartialJSONValue } from '@lumino/coreutils';
import React from 'react';

import type { IHubDataset, IPreview, IRendered } from '../api';
import { bytes, Button, Findings, useTrans } from './common';

/** A place to drop a file, with a button that does the same. */
export function DropZone({ onFile }: { onFile: (file: File) => void }) {
  const trans = useTrans();
  const input = React.useRef<HTMLInputElement>(null);
  const [over, setOver] = React.useState(false);
  return (
    <div
      className={`jp-ft-drop${over ? ' jp-ft-mod-over' : ''}`}
      onDragOver={event => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer.files[0]) {
          onFile(event.dataTransfer.files[0]);
        }
      }}
    >
      <span>{trans.__('Drop a data file here, or')}</span>
      <Button id="ft-upload" onClick={() => input.current?.click()}>
        {trans.__('Upload a file…')}
      </Button>
      <input
        ref={input}
        id="ft-upload-input"
        type="file"
        hidden
        aria-label={trans.__('Data file')}
        accept=".jsonl,.json,.ndjson,.csv,.tsv,.txt,.parquet,.arrow,.gz,.zst"
        onChange={event => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file) {
            onFile(file);
          }
        }}
      />
    </div>
  );
}

export interface IPreviewProps {
  preview: IPreview;
  /** Whether the data is being looked at again, with another format or other columns. */
  busy?: boolean;
  /** The format and columns that the config has now. */
  format: string | undefined;
  columns: { [name: string]: PartialJSONValue | undefined };
  onFormat: (format: string) => void;
  onColumns: (columns: { [name: string]: string }) => void;
}

/** What is in the data file: facts, suggestion, findings and the first rows. */
export function Preview(props: IPreviewProps) {
  const { preview, busy = false } = props;
  const trans = useTrans();
  const facts = [
    preview.total_rows !== null
      ? trans._n('%1 row', '%1 rows', preview.total_rows)
      : preview.estimated_rows !== null
        ? trans.__('about %1 rows: read in part', preview.estimated_rows)
        : trans.__('rows not counted: read in part'),
    preview.bytes === null ? '' : bytes(preview.bytes),
    preview.format ? trans.__('looks like %1', preview.format) : trans.__('format not recognised'),
    lengths(preview, trans.__('characters'))
  ].filter(fact => fact !== '');
  return (
    <section
      className="jp-ft-preview"
      aria-label={trans.__('Preview of the data')}
      aria-busy={busy}
    >
      <h3 title={preview.name}>{preview.name}</h3>
      <p id="ft-preview-facts">{facts.join(' · ')}</p>
      {preview.hub && <HubFacts hub={preview.hub} />}
      <Suggestions {...props} />
      <Findings findings={preview.findings} places />
      {preview.labels && preview.labels.length > 0 && <Labels labels={preview.labels} />}
      {preview.rows.length > 0 && <Rows preview={preview} />}
    </section>
  );
}

/** What the hub says of a dataset. */
function HubFacts({ hub }: { hub: IHubDataset }) {
  const trans = useTrans();
  const facts = [
    hub.licence && trans.__('licence %1', hub.licence),
    hub.gated && trans.__('gated'),
    hub.split && trans.__('split %1 of %2', hub.split, hub.splits.join(', ')),
    hub.configs.length > 1 && trans.__('subsets: %1', hub.configs.slice(0, 20).join(', ')),
    hub.commit && trans.__('commit %1', hub.commit.slice(0, 12))
  ].filter(fact => fact);
  return facts.length > 0 ? <p id="ft-hub-facts">{facts.join(' · ')}</p> : null;
}

function lengths(preview: IPreview, unit: string): string {
  const length = (preview.statistics?.length ?? null) as { [name: string]: number } | null;
  return length ? `${length.p50} / ${length.p95} / ${length.max} ${unit} (p50 / p95 / max)` : '';
}

/** What was detected and differs from what the config says, each taken over by one click. */
function Suggestions({ preview, format, columns, onFormat, onColumns }: IPreviewProps) {
  const trans = useTrans();
  const mapped = Object.entries(preview.mapping).filter(([name, actual]) => name !== actual);
  const news = mapped.some(([name, actual]) => columns[name] !== actual);
  return (
    <>
      {preview.format && preview.format !== format && (
        <p className="jp-ft-suggestion">
          {trans.__('The rows look like %1.', preview.format)}{' '}
          <Button id="ft-use-format" small onClick={() => onFormat(preview.format!)}>
            {trans.__('Use %1', preview.format)}
          </Button>
        </p>
      )}
      {news && (!preview.format || preview.format === format) && (
        <p className="jp-ft-suggestion">
          {trans.__('Suggested columns:')}{' '}
          <code>{mapped.map(([name, actual]) => `${name} ← ${actual}`).join(', ')}</code>{' '}
          <Button id="ft-use-mapping" small onClick={() => onColumns(Object.fromEntries(mapped))}>
            {trans.__('Use this mapping')}
          </Button>
        </p>
      )}
    </>
  );
}

function Labels({ labels }: { labels: { label: string; count: number }[] }) {
  const trans = useTrans();
  const shown = labels.slice(0, 12).map(one => `${one.label} (${one.count})`);
  const more = labels.length - shown.length;
  return (
    <p>
      {trans.__('Labels:')} {shown.join(', ')}
      {more > 0 && ` ${trans.__('and %1 more', more)}`}
    </p>
  );
}

/** The server shows no more of a row, and a browser hardly could. */
const MOST_COLUMNS = 100;

function Rows({ preview }: { preview: IPreview }) {
  const trans = useTrans();
  const columns = preview.columns.slice(0, MOST_COLUMNS);
  const more = preview.columns.length - columns.length;
  const caption = trans._n('The first row', 'The first %1 rows', preview.rows.length);
  return (
    <div className="jp-ft-table" role="region" aria-label={caption} tabIndex={0}>
      <table id="ft-preview-table">
        <caption>
          {caption}
          {more > 0 && ` ${trans._n('(and %1 column more)', '(and %1 columns more)', more)}`}
        </caption>
        <thead>
          <tr>
            <th scope="col">#</th>
            {columns.map(column => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {preview.rows.map((row, index) => (
            <tr key={index}>
              <th scope="row">{index + 1}</th>
              {columns.map(column => (
                <td key={column}>{cell(row[column])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What a message says: a text, or a list of parts. */
type Content = PartialJSONValue | undefined;

/** A content as it is read: of parts their texts, and of the others which kind they are. */
function said(content: Content): string {
  if (!Array.isArray(content)) {
    return String(content ?? '');
  }
  return content
    .map(item => {
      const part = item as { type?: string; text?: string } | null;
      return part?.text ?? `[${part?.type ?? JSON.stringify(item)}]`;
    })
    .join('');
}

/** A value as it is read: messages of a chat one a line. */
function cell(value: PartialJSONValue | undefined): string {
  if (Array.isArray(value)) {
    return value
      .map(item => {
        const turn = item as { role?: string; from?: string; content?: Content; value?: Content };
        const role = turn?.role ?? turn?.from;
        return role ? `${role}: ${said(turn.content ?? turn.value)}` : JSON.stringify(item);
      })
      .join('\n');
  }
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}

/** One row as the model sees it; what it learns to say is marked. */
export function Rendered({ rendered }: { rendered: IRendered }) {
  const trans = useTrans();
  return (
    <div className="jp-ft-rendered">
      <Findings findings={rendered.findings} places />
      {rendered.tokens > 0 && (
        <p id="ft-rendered-facts">
          {trans.__(
            '%1 tokens, %2 of them supervised (marked): the loss counts these and nothing else.',
            rendered.tokens,
            rendered.supervised_tokens
          )}
        </p>
      )}
      {rendered.segments.length > 0 && (
        <pre
          role="region"
          tabIndex={0}
          id="ft-rendered-text"
          aria-label={trans.__('The row as the model sees it')}
        >
          {rendered.segments.map((segment, index) =>
            segment.supervised ? (
              <mark key={index}>{segment.text}</mark>
            ) : (
              <span key={index}>{segment.text}</span>
            )
          )}
        </pre>
      )}
    </div>
  );
}
