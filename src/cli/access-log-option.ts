/** `--access-log`, the same for every command that balances requests. */
import { Option } from 'commander';
import { numberBetween } from './number-between.ts';

export function accessLogOption(): Option {
  return new Option(
    '--access-log <percent>',
    'how many of the requests that are balanced are logged, each a line (JSON with --log-format json)',
  )
    .argParser(numberBetween(0, 100))
    .default(0, 'none');
}
