import React from 'react';

import { holdsGenerated } from '../model/cells';
import type { Outcome } from '../model/delivery';
import type { WizardModel } from '../model/wizard';
import { Button, Problem, useTrans } from './common';

/** What can be done with the finished config, and what came of it; always in view at the end. */
export function Finish({ model }: { model: WizardModel }) {
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
    <section className="jp-ft-finish" aria-label={trans.__('Finish')}>
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
            small={index > 0}
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
      <Told outcome={delivery.outcome} onReveal={index => void delivery.reveal(index)} />
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
