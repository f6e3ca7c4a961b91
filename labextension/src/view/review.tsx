import React from 'react';

import type { IFinding } from '../api';
import { holdsGenerated } from '../model/cells';
import type { Outcome } from '../model/delivery';
import { placeOf } from '../model/findings';
import type { FormModel } from '../model/form';
import type { WizardModel } from '../model/wizard';
import { Button, fieldId, Findings, Problem, useTrans } from './common';
import { SchemaForm } from './form';
import { Memory } from './steps';

interface IReviewProps {
  model: WizardModel;
  form: FormModel;
}

export function ReviewStep({ model, form }: IReviewProps) {
  const trans = useTrans();
  const { answer } = model.queries.validation.state;
  const preview = model.queries.preview.state;
  const data = preview.answer?.findings ?? [];
  const lost = preview.error === null ? null : model.told(preview.error);
  const findings = answer?.findings ?? [];
  const show = (finding: IFinding) => {
    const path = placeOf(form.schema, finding.where);
    if (path) {
      model.goTo(form.schema.stepOf(path));
      // The step is drawn first.
      setTimeout(() => document.getElementById(fieldId(path))?.focus(), 50);
    }
  };
  return (
    <>
      <h3>{trans.__('Findings')}</h3>
      {answer && findings.length + data.length === 0 && !lost && (
        <p id="ft-no-findings">{trans.__('Nothing to complain about.')}</p>
      )}
      <ul className="jp-ft-places">
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
        findingsOf={path => model.findingsOf(path)}
        onChange={(path, value) => model.set(path, value)}
      />
      <Actions model={model} />
      <ConfigText
        yaml={answer?.yaml ?? null}
        json={answer?.config ? JSON.stringify(answer.config, null, 2) : null}
        onCopy={text => model.host.copy(text)}
      />
    </>
  );
}

interface IConfigTextProps {
  yaml: string | null;
  json: string | null;
  onCopy: (text: string) => Promise<void>;
}

/** The config as YAML and as JSON, with copy. */
export function ConfigText({ yaml, json, onCopy }: IConfigTextProps) {
  const trans = useTrans();
  const [tab, setTab] = React.useState<'yaml' | 'json'>('yaml');
  const [said, setSaid] = React.useState('');
  const text = tab === 'yaml' ? yaml : json;
  const tabs = ['yaml', 'json'] as const;
  const copy = async () => {
    try {
      await onCopy(text ?? '');
      setSaid(trans.__('Copied.'));
    } catch {
      setSaid(trans.__('The browser did not let us copy: select the text and press Ctrl+C.'));
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
        <Button small id="ft-copy" disabled={text === null} onClick={() => void copy()}>
          {trans.__('Copy')}
        </Button>
        <span role="status">{said}</span>
      </div>
      <pre id="ft-config-text" role="tabpanel" aria-labelledby={`ft-tab-${tab}`} tabIndex={0}>
        {text ?? trans.__('The config is shown here as soon as it has no errors.')}
      </pre>
    </section>
  );
}

/** What can be done with the finished config. */
function Actions({ model }: { model: WizardModel }) {
  const trans = useTrans();
  const { delivery, config } = model;
  const { answer, busy } = model.queries.validation.state;
  const working = delivery.outcome?.kind === 'working';
  // While a finding is under way the server decides: it refuses what is invalid.
  const ready = !working && (answer?.valid === true || busy);
  const target = model.host.notebook();
  const update = target !== null && holdsGenerated(target.shared);
  const actions: [string, string, () => Promise<void>][] = [
    [
      'ft-insert',
      update ? trans.__('Update the open notebook') : trans.__('Insert into open notebook'),
      () => delivery.insert(config)
    ],
    ['ft-new', trans.__('New notebook'), () => delivery.create(config)],
    ['ft-zip', trans.__('Download ZIP'), () => delivery.download(config)],
    ['ft-save', trans.__('Save config'), () => delivery.save(config)]
  ];
  return (
    <section className="jp-ft-actions" aria-label={trans.__('Finish')}>
      {target && (
        <p className="jp-ft-help" id="ft-target">
          {trans.__('Open notebook: %1', target.name)}
        </p>
      )}
      <div className="jp-ft-buttons">
        {actions.map(([id, label, run], index) => (
          <Button
            key={id}
            id={id}
            primary={index === 0}
            disabled={!ready}
            onClick={() => void run()}
          >
            {label}
          </Button>
        ))}
      </div>
      {answer && !answer.valid && (
        <p>{trans.__('There are errors in the config; mend them first.')}</p>
      )}
      <Told outcome={delivery.outcome} onReveal={index => delivery.reveal(index)} />
    </section>
  );
}

interface IToldProps {
  outcome: Outcome | null;
  onReveal: (index: number) => void;
}

/** Progress and result of the last action. */
export function Told({ outcome, onReveal }: IToldProps) {
  const trans = useTrans();
  const place = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (outcome) {
      place.current?.scrollIntoView?.({ block: 'nearest' });
    }
  }, [outcome]);
  return (
    <div ref={place} className="jp-ft-outcome" id="ft-outcome" role="status" aria-live="polite">
      {outcome?.kind === 'working' && <p>{outcome.message}</p>}
      {outcome?.kind === 'failed' && <Problem problem={outcome.problem} />}
      {outcome?.kind === 'done' && (
        <>
          <p>
            <strong>{outcome.message}</strong>
          </p>
          {outcome.notes.map((note, index) => (
            <p key={index}>{note}</p>
          ))}
          {outcome.kept.length > 0 && (
            <>
              <p>{trans.__('You edited these cells, so they stayed as they are:')}</p>
              <ul id="ft-kept">
                {outcome.kept.map(one => (
                  <li key={one.index}>
                    <Button small onClick={() => onReveal(one.index)}>
                      {trans.__('Cell %1: %2', one.index + 1, one.template)}
                    </Button>{' '}
                    {one.outdated && trans.__('the config would now make another text here')}
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </div>
  );
}
