import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IEstimate, IModelCheck, IModelPreset } from '../api';
import { bytes, count, Findings, useTrans } from './common';

/** What is known of the model. */
export function ModelFacts({ check }: { check: IModelCheck }) {
  const trans = useTrans();
  const yes = (value: boolean) => (value ? trans.__('yes') : trans.__('no'));
  const known = <T,>(value: T | null | undefined, show: (value: T) => string) =>
    value === null || value === undefined ? null : show(value);
  const facts: [string, string | null][] = [
    [trans.__('Licence'), check.licence],
    [trans.__('Context'), known(check.context_length, n => trans.__('%1 tokens', n))],
    [trans.__('Parameters'), known(check.parameters, count)],
    [trans.__('Architecture'), check.architecture],
    [trans.__('Chat template'), known(check.chat_template, yes)],
    [trans.__('Gated'), known(check.gated, yes)],
    [trans.__('Quantised already'), check.quantised],
    [trans.__('Commit'), known(check.commit, commit => commit.slice(0, 12))]
  ];
  return (
    <div id="ft-model-facts" role="status">
      {check.exists && (
        <dl className="jp-ft-facts-list">
          {facts
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <React.Fragment key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </React.Fragment>
            ))}
        </dl>
      )}
      <Findings findings={check.findings} />
    </div>
  );
}

/** What is known of a model that we name ourselves, before anybody asks the hub. */
export function PresetFacts({ preset }: { preset: IModelPreset }) {
  const trans = useTrans();
  const { licence, context, parameters } = preset;
  const facts = [
    licence && trans.__('licence %1', licence),
    context && trans.__('context %1 tokens', context),
    parameters && trans.__('%1 parameters', count(parameters))
  ].filter(fact => fact);
  return (
    <p id="ft-preset-facts" className="jp-ft-help">
      {preset.title}: {facts.join(' · ')}
    </p>
  );
}

/** The memory that training needs, part by part, as a bar against the device's. */
export function MemoryBar({ estimate, busy }: { estimate: IEstimate; busy: boolean }) {
  const trans = useTrans();
  const { memory, device } = estimate;
  if (!memory) {
    return <Findings findings={estimate.findings} />;
  }
  const names: { [part: string]: string } = {
    weights: trans.__('weights'),
    gradients: trans.__('gradients'),
    optimizer: trans.__('optimizer'),
    activations: trans.__('activations'),
    logits: trans.__('logits'),
    overhead: trans.__('overhead')
  };
  const available = device?.memory_bytes ?? null;
  const scale = Math.max(memory.total, available ?? 0, 1);
  const parts = Object.entries(memory).filter(([part, size]) => part !== 'total' && size > 0);
  const text = available
    ? trans.__('About %1 of %2 on %3', bytes(memory.total), bytes(available), device!.name)
    : trans.__('About %1', bytes(memory.total));
  const verdict =
    estimate.fits === null
      ? ''
      : estimate.fits
        ? trans.__('It fits.')
        : trans.__('It does not fit.');
  return (
    <section
      className="jp-ft-memory"
      aria-busy={busy}
      aria-label={trans.__('Memory estimate')}
      id="ft-memory"
    >
      <p>
        <strong>{trans.__('Memory')}</strong> {text}. {verdict}
        {estimate.time_seconds !== null && ` ${duration(estimate.time_seconds, trans)}`}
      </p>
      <div className="jp-ft-bar" role="img" aria-label={`${text}. ${verdict}`}>
        {parts.map(([part, size]) => (
          <div
            key={part}
            className={`jp-ft-part jp-ft-part-${part}`}
            style={{ width: `${(100 * size) / scale}%` }}
            title={`${names[part] ?? part}: ${bytes(size)}`}
          />
        ))}
        {available !== null && (
          <div className="jp-ft-limit" style={{ left: `${(100 * available) / scale}%` }} />
        )}
      </div>
      <ul className="jp-ft-legend">
        {parts.map(([part, size]) => (
          <li key={part}>
            <span className={`jp-ft-swatch jp-ft-part-${part}`} />
            {names[part] ?? part} {bytes(size)}
          </li>
        ))}
      </ul>
      <Findings findings={estimate.findings} />
      {estimate.method && (
        <details>
          <summary>{trans.__('How this is reckoned')}</summary>
          <p className="jp-ft-help">{estimate.method}</p>
        </details>
      )}
    </section>
  );
}

/** How long training takes; loading, which takes seconds, is no part of the estimate. */
function duration(seconds: number, trans: TranslationBundle): string {
  const minutes = seconds / 60;
  if (minutes < 1) {
    return trans.__('(trains in less than a minute)');
  }
  const [value, unit] = minutes < 90 ? [minutes, 'min'] : [minutes / 60, 'h'];
  return trans.__('(trains in about %1 %2)', Number(value.toPrecision(2)), unit);
}
