/** Reads what kdig and dig print into one text, so that answers can be compared and kept as a golden file. */

export interface Heard {
  readonly question: string;
  readonly rcode: string;
  /** `aa ra`, in this order; those that hold of every answer are left out. */
  readonly flags: string;
  /** `answer: NAME TTL TYPE DATA`, sorted within their section. */
  readonly records: readonly string[];
}

const told = ['aa', 'tc', 'ra'];

/** One for each message, in the order printed. */
export function readDigOutput(text: string): readonly Heard[] {
  return text
    .split(/^;; ->>HEADER<<-/m)
    .slice(1)
    .map(readMessage);
}

function readMessage(text: string): Heard {
  const rcode = /status: ([A-Z]+)/.exec(text)?.[1] ?? '?';
  const flags = (/^;; flags: ([a-z ]*);/im.exec(text)?.[1] ?? '').split(' ');
  let section = '';
  let question = '?';
  const records: string[] = [];
  for (const line of text.split('\n')) {
    const heading = /^;; ([A-Z]+) (?:PSEUDO)?SECTION:/.exec(line)?.[1];
    if (heading !== undefined) section = heading.toLowerCase();
    else if (section === 'question' && /^;+ ?\S+\s+IN\s/.test(line)) {
      question = line.replace(/^;+ ?/, '').replaceAll(/\s+/g, ' ').replace(' IN ', ' ').trim();
    } else if (section !== '' && section !== 'question' && /^[^;\s]/.test(line)) {
      records.push(`${section}: ${line.replaceAll(/\s+/g, ' ').replace(' IN ', ' ').trim()}`);
    }
  }
  return {
    question,
    rcode,
    flags: told.filter((flag) => flags.includes(flag)).join(' '),
    records: records.toSorted(),
  };
}
