/** `npm run bench -- NAME [ARGS]`: runs one benchmark; without a name, says which there are. */
import { readdirSync } from 'node:fs';

const here = new URL('.', import.meta.url);
const names = readdirSync(here)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .toSorted((a, b) => (a < b ? -1 : 1));
const [name, ...args] = process.argv.slice(2);

if (name === undefined || !names.includes(name)) {
  const said = name === undefined ? 'no name was given' : `there is no benchmark ${name}`;
  console.error(
    `error: Cannot run a benchmark: ${said}\n  try: npm run bench -- ${names.join('|')}`,
  );
  process.exitCode = 2;
} else {
  const loaded: { run(args: readonly string[]): Promise<void> } = await import(
    new URL(`${name}.bench.ts`, here).href
  );
  await loaded.run(args);
}
