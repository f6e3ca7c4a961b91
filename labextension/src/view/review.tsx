import React from 'react';

import type { IFinding } from '../api';
import { placeOf } from '../model/findings';
import type { FormModel } from '../model/form';
import type { WizardModel } from '../model/wizard';
import { Button, Findings, Problem, useTrans } from './common';
import { SchemaForm } from './form';
import { Memory } from './steps';

interface IReviewProps {
  model: WizardModel;
  form: FormModel;
}

export function ReviewStep({ model, form }: IReviewProps) {
  const trans = useTrans();
  const { answer, busy } = model.queries.validation.state;
  const preview = model.queries.preview.state;
  const data = preview.answer?.findings ?? [];
  const lost = preview.error === null ? null : model.told(preview.error);
  const findings = answer?.findings ?? [];
  const show = (finding: IFinding) => {
    const path = placeOf(form.schema, finding.where);
    if (path) {
      model.goTo(form.schema.stepOf(path), path);
    }
  };
  return (
    <>
      <h3>{trans.__('Findings')}</h3>
      {answer && findings.length + data.length === 0 && !lost && (
        <p id="ft-no-findings" aria-busy={busy || preview.busy}>
          {trans.__('Nothing to complain about.')}
        </p>
      )}
      <ul className="jp-ft-places" aria-busy={busy}>
        {findings.map((one, index) => (
          <li key={index}>
            {placeOf(form.schema, one.where) ? (
              <Button small onClick={() => show(one)}>
                {one.where}
              </Button>
            ) : (
              <code>{one.where}</code>
            )}
            <Findings findings={[one]} />
          </li>
        ))}
      </ul>
      {(data.length > 0 || lost) && (
        <>
          <h3>{trans.__('Findings in the data')}</h3>
          <Findings findings={data} places />
          {lost && <Problem problem={lost} />}
        </>
      )}
      <Memory model={model} form={form} />
      <SchemaForm
        form={form}
        step="review"
        wanted={model.journey.wanted}
        findingsOf={path => model.findingsOf(path)}
        onChange={(path, value) => model.set(path, value)}
      />
      <ConfigText
        yaml={answer?.yaml ?? null}
        json={answer?.config ? JSON.stringify(answer.config, null, 2) : null}
        busy={busy}
        onCopy={text => model.host.copy(text)}
      />
    </>
  );
}

interface IConfigTextProps {
  yaml: string | null;
  json: string | null;
  /** Whether the config has changed since: a newer text is on its way. */
  busy: boolean;
  onCopy: (text: string) => Promise<void>;
}

/** Milliseconds for which it is told that something was copied. */
const TOLD = 5000;

/** What is said beside a text: gone when that is another one, and what is brief after a moment. */
function useSaid(text: string | null) {
  const [said, setSaid] = React.useState<{ sentence: string; brief: boolean } | null>(null);
  React.useEffect(() => setSaid(null), [text]);
  React.useEffect(() => {
    const timer = said?.brief ? setTimeout(() => setSaid(null), TOLD) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  return [said?.sentence ?? '', setSaid] as const;
}

/** The config as YAML and as JSON, with copy. */
export function ConfigText({ yaml, json, busy, onCopy }: IConfigTextProps) {
  const trans = useTrans();
  const [tab, setTab] = React.useState<'yaml' | 'json'>('yaml');
  const text = tab === 'yaml' ? yaml : json;
  const [said, say] = useSaid(text);
  const tabs = ['yaml', 'json'] as const;
  const copy = async () => {
    try {
      await onCopy(text ?? '');
      say({ sentence: trans.__('Copied.'), brief: true });
    } catch {
      say({
        sentence: trans.__('The browser did not let us copy: select the text and press Ctrl+C.'),
        brief: false
      });
    }
  };
  return (
    <section className="jp-ft-config" aria-label={trans.__('Config')}>
      <div className="jp-ft-tabs">
        <div role="tablist" aria-label={trans.__('Config as')}>
          {tabs.map(one => (
            <button
              key={one}
              type="button"
              role="tab"
              id={`ft-tab-${one}`}
              aria-selected={tab === one}
              aria-controls="ft-config-text"
              tabIndex={tab === one ? 0 : -1}
              onClick={() => setTab(one)}
              onKeyDown={event => {
                if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
                  const other = one === 'yaml' ? 'json' : 'yaml';
                  setTab(other);
                  document.getElementById(`ft-tab-${other}`)?.focus();
                }
              }}
            >
              {one.toUpperCase()}
            </button>
          ))}
        </div>
        <Button small id="ft-copy" disabled={busy || text === null} onClick={() => void copy()}>
          {trans.__('Copy')}
        </Button>
        <span role="status">{said}</span>
      </div>
      <pre
        id="ft-config-text"
        role="tabpanel"
        aria-labelledby={`ft-tab-${tab}`}
        aria-busy={busy}
        tabIndex={0}
      >
        {text ?? trans.__('The config is shown here as soon as it has no errors.')}
      </pre>
    </section>
  );
}
