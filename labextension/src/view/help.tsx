import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

/** What a row of each format looks like, and what the model learns from it. */
export function FormatGuide({ trans }: { trans: TranslationBundle }) {
  const formats = [
    {
      name: 'jsonl_chat',
      text: trans.__(
        'Conversations, one JSON object a line. Learned is what the assistant says, with the end of each of its turns.'
      ),
      row: '{"messages": [{"role": "user", "content": "What is LoRA?"}, {"role": "assistant", "content": "A small adapter."}]}'
    },
    {
      name: 'jsonl_instr',
      text: trans.__(
        'An instruction, an input that may be empty, and the answer. Learned is the output. A "system" column is used when there is one.'
      ),
      row: '{"instruction": "Translate to French.", "input": "Good morning", "output": "Bonjour"}'
    },
    {
      name: 'jsonl_prompt',
      text: trans.__('A text and how it goes on. Learned is the completion.'),
      row: '{"prompt": "Q: 2 + 2?\\nA:", "completion": " 4"}'
    },
    {
      name: 'csv_classification',
      text: trans.__(
        'A CSV file with a text and its label, under a header line. Learned is the label.'
      ),
      row: 'text,label\n"My card was declined",card\n"Where is my refund?",refund'
    }
  ];
  return (
    <article className="jp-ft-guide">
      <h1>{trans.__('Fine-tuning: data formats')}</h1>
      <p>
        {trans.__(
          'The wizard recognises the format by the columns. Columns of other names are mapped in step 2. Files are UTF-8; JSON Lines have one object a line.'
        )}
      </p>
      {formats.map(({ name, text, row }) => (
        <section key={name}>
          <h2>
            <code>{name}</code>
          </h2>
          <p>{text}</p>
          <pre role="region" tabIndex={0} aria-label={trans.__('Example of %1', name)}>
            {row}
          </pre>
        </section>
      ))}
      <h2>{trans.__('From data to cells')}</h2>
      <ol>
        <li>{trans.__('Model: name a hub model or a local folder, and choose how to tune it.')}</li>
        <li>
          {trans.__('Data: pick a file, look at its rows, and accept the suggested columns.')}
        </li>
        <li>{trans.__('Training: take a preset; watch the memory estimate.')}</li>
        <li>{trans.__('Review: read the findings, then insert the cells and run them.')}</li>
      </ol>
    </article>
  );
}
