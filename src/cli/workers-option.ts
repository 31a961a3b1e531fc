/** `--workers`: how many threads carry what a command carries. */
import { Option } from 'commander';
import { numberBetween } from './number-between.ts';

/** More than this many would wait for one another on any machine there is. */
const mostWorkers = 64;

export function workersOption(): Option {
  return new Option(
    '--workers <count>',
    'threads that carry TCP on epoll: connections that last are shared among them, and so are those whose requests ' +
      'are balanced',
  )
    .argParser(numberBetween(1, mostWorkers))
    .default(1);
}
