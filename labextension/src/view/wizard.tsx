import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { STEPS, type Step } from '../model/schema';
import type { WizardModel } from '../model/wizard';
import { Button, focusField, Problem, TransContext, Undoable, useSignal, useTrans } from './common';
import { Finish } from './finish';
import { ReviewStep } from './review';
import { DataStep, ModelStep, TrainingStep } from './steps';

const BODIES = { model: ModelStep, data: DataStep, training: TrainingStep, review: ReviewStep };

function stepTitles(trans: TranslationBundle): { [step in Step]: string } {
  return {
    model: trans.__('Model'),
    data: trans.__('Data'),
    training: trans.__('Training'),
    review: trans.__('Review')
  };
}

/** The whole wizard. */
export function Wizard({ model }: { model: WizardModel }) {
  useSignal(model.changed);
  return (
    <TransContext.Provider value={model.trans}>
      <Problems model={model} />
      {model.form && <Steps model={model} />}
      {!model.form && !model.catalogue.problem && (
        <p className="jp-ft-waiting" role="status">
          {model.trans.__('Asking the server…')}
        </p>
      )}
    </TransContext.Provider>
  );
}

/** What stands in the way as a whole: server, versions, an upload that failed, a taken preset. */
function Problems({ model }: { model: WizardModel }) {
  const trans = useTrans();
  const { applied, notices } = model;
  const { problem } = model.catalogue;
  const { error } = model.queries.validation.state;
  return (
    <>
      {problem && (
        <Problem problem={problem}>
          <Button id="ft-retry" onClick={() => void model.start()}>
            {trans.__('Try again')}
          </Button>
        </Problem>
      )}
      {!problem && error !== null && <Unreachable model={model} error={error} />}
      {notices.last && (
        <Problem problem={notices.last}>
          <Button id="ft-dismiss" onClick={() => notices.dismiss()}>
            {trans.__('Dismiss')}
          </Button>
        </Problem>
      )}
      {applied.preset?.id === '' && (
        <Undoable said={trans.__('Started over.')} onUndo={() => model.undoPreset()} />
      )}
    </>
  );
}

function Unreachable({ model, error }: { model: WizardModel; error: unknown }) {
  const trans = useTrans();
  return (
    <Problem problem={model.told(error)}>
      <Button id="ft-retry" onClick={() => void model.start()}>
        {trans.__('Try again')}
      </Button>
    </Problem>
  );
}

function Steps({ model }: { model: WizardModel }) {
  const trans = useTrans();
  const titles = stepTitles(trans);
  const heading = React.useRef<HTMLHeadingElement>(null);
  const first = React.useRef(true);
  const { wanted } = model.journey;
  React.useEffect(() => {
    // A new step is announced and starts at its top; the first drawing takes no focus.
    const found = first.current || (wanted !== null && focusField(wanted.field));
    if (!found) {
      heading.current?.focus();
    }
    first.current = false;
  }, [model.step, wanted]);
  const Body = BODIES[model.step];
  const index = STEPS.indexOf(model.step);
  const last = index === STEPS.length - 1;
  return (
    <div className="jp-ft-wizard">
      <Stepper model={model} titles={titles} />
      <div className="jp-ft-body">
        <h2 ref={heading} tabIndex={-1} id="ft-step-title">
          {trans.__('Step %1 of %2: %3', index + 1, STEPS.length, titles[model.step])}
        </h2>
        <Body model={model} form={model.form!} />
      </div>
      {last && <Finish model={model} />}
      <div className="jp-ft-footer">
        <Button id="ft-back" disabled={index === 0} onClick={() => model.move(-1)}>
          {trans.__('Back')}
        </Button>
        <Button id="ft-reset" onClick={() => model.reset()}>
          {trans.__('Start over')}
        </Button>
        {!last && (
          <Button id="ft-next" primary onClick={() => model.move(1)}>
            {trans.__('Next')}
          </Button>
        )}
      </div>
    </div>
  );
}

/** The four steps, each with the number of errors and warnings in it. */
function Stepper({ model, titles }: { model: WizardModel; titles: { [step in Step]: string } }) {
  const trans = useTrans();
  return (
    <nav className="jp-ft-stepper" aria-label={trans.__('Steps')}>
      <ol>
        {STEPS.map((step, index) => {
          const counts = model.findings?.counts.get(step) ?? { error: 0, warning: 0 };
          const errors = model.journey.knows(step) ? counts.error : 0;
          return (
            <li key={step}>
              <button
                type="button"
                id={`ft-step-${step}`}
                aria-current={model.step === step ? 'step' : undefined}
                onClick={() => model.goTo(step)}
              >
                <span className="jp-ft-step-number">{index + 1}</span>
                <span>{titles[step]}</span>
                {errors > 0 && (
                  <span className="jp-ft-badge jp-ft-mod-error">
                    {errors}
                    <span className="jp-ft-unseen"> {trans._n('error', 'errors', errors)}</span>
                  </span>
                )}
                {counts.warning > 0 && (
                  <span className="jp-ft-badge jp-ft-mod-warning">
                    {counts.warning}
                    <span className="jp-ft-unseen">
                      {' '}
                      {trans._n('warning', 'warnings', counts.warning)}
                    </span>
                  </span>
                )}
              </button>
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
