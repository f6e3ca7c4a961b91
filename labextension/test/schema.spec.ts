import { FormModel } from '../src/model/form';
import { placeOf, sortFindings } from '../src/model/findings';
import { ConfigSchema } from '../src/model/schema';
import { finding, schema } from './fakes';

const config = new ConfigSchema(schema);

describe('ConfigSchema', () => {
  it('finds every field of the schema once, with its step', () => {
    const paths = config.fields.map(field => field.path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths).toContain('hyperparams.learning_rate');
    expect(paths).toContain('dataset.split.train');
    expect(config.field('model_id')!.step).toBe('model');
  });

  it('shows a field that is added to the schema, with help, range, unit and default', () => {
    const added = new ConfigSchema({
      properties: {
        hyperparams: {
          type: 'object',
          title: 'Hyperparameters',
          'x-step': 'training',
          properties: {
            fresh: {
              title: 'Fresh',
              description: 'New.',
              type: 'integer',
              minimum: 2,
              exclusiveMaximum: 9,
              default: 3,
              'x-unit': 'steps',
              'x-advanced': true
            }
          }
        }
      }
    });
    expect(added.field('hyperparams.fresh')).toMatchObject({
      title: 'Fresh',
      help: 'New.',
      unit: 'steps',
      step: 'training',
      section: 'hyperparams',
      advanced: true,
      kind: 'number',
      default: 3,
      range: { minimum: 2, below: 9, whole: true }
    });
  });

  it.each([
    ['provider', 'choice'],
    ['trust_remote_code', 'boolean'],
    ['lora.target_modules', 'list'],
    ['lora.init_lora_weights', 'choice'],
    ['hyperparams.batch_size_train', 'number'],
    ['hyperparams.max_steps', 'number'],
    ['hyperparams.lr_scheduler_kwargs', 'json'],
    ['dataset.path', 'text'],
    ['dataset.columns', 'mapping'],
    ['eval.metrics', 'choices']
  ])('reads the kind of %s', (path, kind) => {
    expect(config.field(path)!.kind).toBe(kind);
  });

  it('fills in defaults, those that hang on other fields too', () => {
    expect(config.complete({})).toMatchObject({ hyperparams: { learning_rate: 2e-4 } });
    const full = config.complete({ tune_type: 'full', dataset: { format: 'csv_classification' } });
    expect(full).toMatchObject({
      hyperparams: { learning_rate: 2e-5 },
      dataset: { split: { strategy: 'stratified' } },
      eval: { metrics: ['accuracy', 'f1'] }
    });
    const mine = config.complete({ tune_type: 'full', hyperparams: { learning_rate: 1 } });
    expect(mine).toMatchObject({ hyperparams: { learning_rate: 1 } });
  });
});

describe('FormModel', () => {
  it('hides what a rule forbids, keeps it, and does not send it', () => {
    const form = new FormModel(config);
    form.set('lora.r', 4);
    form.set('tune_type', 'full');
    expect(form.isHidden('lora.r')).toBe(true);
    expect(form.config).toEqual({ tune_type: 'full' });
    form.set('tune_type', 'lora');
    expect(form.isHidden('lora.r')).toBe(false);
    expect(form.isHidden('qlora.bits')).toBe(true);
    expect(form.config).toEqual({ tune_type: 'lora', lora: { r: 4 } });
  });

  it('asks for a file or a hub id, as the source says', () => {
    const form = new FormModel(config);
    expect([form.isHidden('dataset.path'), form.isHidden('dataset.id')]).toEqual([false, true]);
    form.set('dataset.source', 'hf_dataset_id');
    expect([form.isHidden('dataset.path'), form.isHidden('dataset.id')]).toEqual([true, false]);
    expect(form.isRequired(config.field('dataset.id')!)).toBe(true);
  });

  it('offers what the format leaves, and what is chosen already', () => {
    const form = new FormModel(config);
    const metrics = config.field('eval.metrics')!;
    form.set('dataset.format', 'csv_classification');
    expect(form.options(metrics)).toEqual(['accuracy', 'f1']);
    form.set('eval.metrics', ['rouge']);
    expect(form.options(metrics)).toEqual(['rouge', 'accuracy', 'f1']);
    expect(form.restrictions.names.get('dataset.columns')).toEqual(['text', 'label']);
  });

  it('puts settings between the schema and what was typed', () => {
    const form = new FormModel(config);
    form.defaults = { model_id: 'a/b', hyperparams: { num_epochs: 3 } };
    expect(form.value('hyperparams.num_epochs')).toBe(3);
    form.set('hyperparams.num_epochs', 5);
    expect(form.config).toEqual({ model_id: 'a/b', hyperparams: { num_epochs: 5 } });
    form.set('hyperparams.num_epochs', undefined);
    expect(form.draft).toEqual({});
  });

  it('lays a preset over the draft and can go back', () => {
    const form = new FormModel(config);
    form.set('model_id', 'a/b');
    const before = form.apply({ lora: { r: 8 }, eval: { metrics: ['bleu'] } });
    expect(form.draft).toEqual({ model_id: 'a/b', lora: { r: 8 }, eval: { metrics: ['bleu'] } });
    form.draft = before;
    expect(form.draft).toEqual({ model_id: 'a/b' });
  });

  it('takes names of JavaScript for names', () => {
    const form = new FormModel(config);
    form.set('dataset.columns', { text: '__proto__', label: 'constructor' });
    expect(form.value('dataset.columns')).toEqual({ text: '__proto__', label: 'constructor' });
    expect(form.value('constructor.name')).toBeUndefined();
  });
});

describe('sortFindings', () => {
  it('puts each finding beside its field or section', () => {
    const sorted = sortFindings(config, [
      finding('hyperparams.num_epochs', 'warning'),
      finding('hyperparams.num_epochs'),
      finding('dataset.columns.text'),
      finding('eval.metrics[0]'),
      finding('lora.no_such_field'),
      finding('dataset.split'),
      finding('no_such_field')
    ]);
    const severities = sorted.places.get('hyperparams.num_epochs')!.map(one => one.severity);
    expect(severities).toEqual(['error', 'warning']);
    expect(sorted.places.has('dataset.columns')).toBe(true);
    expect(sorted.places.has('eval.metrics')).toBe(true);
    expect(sorted.places.has('lora')).toBe(true);
    expect(sorted.counts.get('data')).toEqual({ error: 2, warning: 0 });
    expect(sorted.counts.get('review')).toEqual({ error: 1, warning: 0 });
    expect(sorted.counts.get('training')).toEqual({ error: 3, warning: 1 });
    expect(placeOf(config, '')).toBeNull();
  });
});
