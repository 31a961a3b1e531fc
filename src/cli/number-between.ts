/** A whole number as an option of a command. */
import { InvalidArgumentError } from 'commander';

export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : -1;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
