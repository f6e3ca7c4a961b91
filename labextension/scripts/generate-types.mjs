// Writes src/api/types/config.ts from schemas/config.schema.json; with --check only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from 'json-schema-to-typescript';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '../src/api/types/config.ts');
const schema = JSON.parse(readFileSync(join(here, '../../schemas/config.schema.json'), 'utf8'));

// Rules across fields say nothing about types, and `then: false` would empty them.
delete schema.allOf;
delete schema.$id;
// What the wizard holds is unfinished: nothing is required, and titles would name every field's type.
(function relax(node) {
  delete node.required;
  delete node.title;
  Object.values(node.properties ?? {}).forEach(relax);
  (node.anyOf ?? []).forEach(relax);
})(schema);

const source = await compile(schema, 'PartialConfig', {
  additionalProperties: false,
  bannerComment: '// Generated from schemas/config.schema.json by `npm run types`. Do not edit.',
  style: { singleQuote: true, printWidth: 100, trailingComma: 'none' }
});

if (process.argv.includes('--check')) {
  let found = '';
  try {
    found = readFileSync(target, 'utf8');
  } catch {
    // told below
  }
  if (found !== source) {
    console.error('src/api/types/config.ts does not match the schema. Type: npm run types');
    process.exit(1);
  }
} else {
  writeFileSync(target, source);
}
