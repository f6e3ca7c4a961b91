import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import React from 'react';

import { ApiError } from '../api';
import { filePath } from '../model/queries';
import { type IProblem, tell } from '../model/problems';
import type { FormModel } from '../model/form';
import type { WizardModel } from '../model/wizard';
import { Button, count, Problem, Undoable, useTrans } from './common';
import { DropZone, Preview, Rendered } from './data';
import { MemoryBar, ModelFacts, PresetFacts } from './facts';
import { SchemaForm } from './form';

interface IStepProps {
  model: WizardModel;
  form: FormModel;
}

function useForm({ model, form }: IStepProps) {
  return {
    form,
    step: model.step,
    wanted: model.journey.wanted,
    findingsOf: (path: string) => model.findingsOf(path),
    onChange: (path: string, value: PartialJSONValue | undefined) => model.set(path, value)
  };
}

function problemOf(model: WizardModel, error: unknown): IProblem | null {
  return error ? tell(error, model.trans) : null;
}

export function ModelStep(props: IStepProps) {
  const { model, form } = props;
  const trans = useTrans();
  const { state } = model.queries.check;
  const named = Boolean(form.value('model_id'));
  const error = problemOf(model, state.error);
  const hub = form.value('provider') !== 'hf_local';
  const extras = {
    model_id: (
      <Button
        id="ft-check-model"
        disabled={!named}
        aria-busy={state.busy}
        onClick={() => model.queries.askModel(form)}
      >
        {state.busy ? trans.__('Checking…') : trans.__('Check')}
      </Button>
    )
  };
  const models = hub ? model.catalogue.presets.models : [];
  const known = models.find(one => one.id === form.value('model_id'));
  const suggestions = models.map(one => ({
    value: one.id,
    label: [one.parameters ? count(one.parameters) : '', one.licence ?? '']
      .filter(part => part)
      .join(', ')
  }));
  const facts = (
    <>
      {error && <Problem problem={error} />}
      {state.answer && <ModelFacts check={state.answer} />}
      {!state.answer && known && <PresetFacts preset={known} />}
    </>
  );
  return (
    <>
      <SchemaForm {...useForm(props)} extras={extras} suggestions={{ model_id: suggestions }} />
      {facts}
    </>
  );
}

export function DataStep(props: IStepProps) {
  const { model, form } = props;
  const trans = useTrans();
  const { host, queries } = model;
  const { answer, error, busy } = queries.preview.state;
  const local = !form.isHidden('dataset.path');
  const problem = problemOf(model, error);
  const columns = (answer?.columns ?? []).map(value => ({ value, label: '' }));
  const subsets = (answer?.hub?.configs ?? []).map(value => ({ value, label: '' }));
  const browse = async () => {
    try {
      const path = await host.pick();
      if (path !== null) {
        model.intake.useDataset(path);
      }
    } catch (reason) {
      model.notices.tell(reason);
    }
  };
  const extras = {
    'dataset.path': (
      <Button id="ft-browse" onClick={() => void browse()}>
        {trans.__('Browse…')}
      </Button>
    )
  };
  const seen = (
    <p className="jp-ft-help">
      {trans.__(
        'In this panel, paths start at the server’s root; a notebook gets them as it sees them.'
      )}
    </p>
  );
  const rows = (
    <>
      {busy && !answer && (
        <p role="status">
          {local ? trans.__('Reading the file…') : trans.__('Fetching the first rows…')}
        </p>
      )}
      {problem && <Problem problem={problem} />}
      {answer && (
        <Preview
          preview={answer}
          busy={busy}
          format={form.value('dataset.format') as string | undefined}
          columns={(form.value('dataset.columns') ?? {}) as PartialJSONObject}
          onFormat={format => model.set('dataset.format', format)}
          onColumns={mapping => model.set('dataset.columns', mapping)}
        />
      )}
      {answer && answer.rows.length > 0 && <RenderedRow {...props} rows={answer.rows.length} />}
    </>
  );
  return (
    <>
      {local && <DropZone onFile={file => void model.intake.useFile(file)} />}
      {local && !filePath(form) && <Examples model={model} />}
      <SchemaForm
        {...useForm(props)}
        extras={extras}
        after={{ 'dataset.path': seen, 'dataset.columns': rows }}
        suggestions={{ 'dataset.columns': columns, 'dataset.config_name': subsets }}
      />
    </>
  );
}

function Examples({ model }: { model: WizardModel }) {
  const trans = useTrans();
  if (model.catalogue.examples.length === 0) {
    return null;
  }
  return (
    <div className="jp-ft-field">
      <label htmlFor="ft-example">{trans.__('No data at hand? Take an example')}</label>
      <select
        id="ft-example"
        className="jp-ft-input jp-mod-styled"
        value=""
        onChange={event => {
          const example = model.catalogue.examples.find(one => one.name === event.target.value);
          if (example) {
            void model.intake.useExample(example);
          }
        }}
      >
        <option value="">{trans.__('Choose…')}</option>
        {model.catalogue.examples.map(example => (
          <option key={example.name} value={example.name}>
            {trans.__('%1 (%2, %3 rows)', example.title, example.format, example.rows)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One row with the model's chat template, on request: it takes the server a moment. */
function RenderedRow({ model, form, rows }: IStepProps & { rows: number }) {
  const trans = useTrans();
  const row = Math.min(model.asking.row, rows);
  const { rendered } = model.queries;
  const { answer, busy, error } = rendered.state;
  const ready = Boolean(form.value('model_id') && form.value('dataset.format'));
  const problem = problemOf(model, error);
  return (
    <section className="jp-ft-example" aria-label={trans.__('A row as the model sees it')}>
      <h3>{trans.__('A row as the model sees it')}</h3>
      <div className="jp-ft-control">
        <label htmlFor="ft-row">{trans.__('Row')}</label>
        <select
          id="ft-row"
          className="jp-mod-styled"
          value={row}
          onChange={event => model.asking.choose(Number(event.target.value))}
        >
          {Array.from({ length: rows }, (_, index) => (
            <option key={index}>{index + 1}</option>
          ))}
        </select>
        <Button
          id="ft-render"
          disabled={!ready}
          aria-busy={busy}
          onClick={() => model.queries.askRendered(form, row - 1)}
        >
          {busy ? trans.__('Rendering…') : trans.__('Render')}
        </Button>
      </div>
      {!ready && <p className="jp-ft-help">{trans.__('Choose a model and a format first.')}</p>}
      {problem && <Problem problem={problem} />}
      {answer && <Rendered rendered={answer} />}
    </section>
  );
}

export function TrainingStep(props: IStepProps) {
  const { model } = props;
  const trans = useTrans();
  return (
    <>
      <Presets model={model} />
      <Memory {...props} />
      <SchemaForm {...useForm(props)} />
      {!props.form.value('model_id') && (
        <p className="jp-ft-help">
          {trans.__('The memory estimate comes as soon as a model is named.')}
        </p>
      )}
    </>
  );
}

export function Memory({ model }: IStepProps) {
  const { answer, busy, error } = model.queries.estimate.state;
  // An invalid config has no estimate, and its findings stand beside the fields.
  const invalid = error instanceof ApiError && error.code === 'config.invalid';
  const problem = invalid ? null : problemOf(model, error);
  return (
    <>
      {answer && <MemoryBar estimate={answer} busy={busy} />}
      {problem && <Problem problem={problem} />}
    </>
  );
}

function Presets({ model }: { model: WizardModel }) {
  const trans = useTrans();
  const { preset: applied } = model.applied;
  const { tasks } = model.catalogue.presets;
  const [chosen, setChosen] = React.useState(applied?.id ?? '');
  const preset = tasks.find(task => task.id === chosen);
  const levels = [
    { level: 'beginner', label: trans.__('To begin with') },
    { level: 'advanced', label: trans.__('Advanced') }
  ];
  if (tasks.length === 0) {
    return null;
  }
  return (
    <div className="jp-ft-field jp-ft-presets">
      <label htmlFor="ft-preset">{trans.__('Preset')}</label>
      <div className="jp-ft-control">
        <select
          id="ft-preset"
          className="jp-ft-input jp-mod-styled"
          value={chosen}
          onChange={event => setChosen(event.target.value)}
        >
          <option value="">{trans.__('Choose…')}</option>
          {levels.map(({ level, label }) => (
            <optgroup key={level} label={label}>
              {tasks
                .filter(task => task.level === level)
                .map(task => (
                  <option key={task.id} value={task.id}>
                    {trans.__(task.title)}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
        <Button
          id="ft-apply-preset"
          disabled={!preset}
          onClick={() => preset && model.applyPreset(preset)}
        >
          {trans.__('Apply')}
        </Button>
      </div>
      {preset && <p className="jp-ft-help">{trans.__(preset.description)}</p>}
      {applied && applied.id !== '' && (
        <Undoable
          said={trans.__('Applied “%1”.', applied.title)}
          onUndo={() => model.undoPreset()}
        />
      )}
    </div>
  );
}
