/** Answers as text, in the order and words of a master file. */
import { formatType, type DnsRecord, type RecordData } from '../codec/dns/index.ts';
import type { ZoneAnswer } from './zone-answer.ts';

/** `web.default.svc.cluster.local 5 A 10.96.0.10`. */
export function formatRecord({ name, ttlSeconds, type, data }: DnsRecord): string {
  return `${name === '' ? '.' : name} ${ttlSeconds} ${formatType(type)} ${formatData(data)}`;
}

/** Lines of two spaces; undefined: another server has to answer. */
export function formatAnswer(answer: ZoneAnswer | undefined): string {
  if (answer === undefined) return '  not ours\n';
  const { rcode, rule, answers, authorities, additionals, chase } = answer;
  const lines = [
    `${rcode} ${rule}`,
    ...answers.map(formatRecord),
    ...authorities.map((record) => `authority: ${formatRecord(record)}`),
    ...additionals.map((record) => `additional: ${formatRecord(record)}`),
    ...(chase === undefined ? [] : [`then what ${chase} has`]),
  ];
  return lines.map((line) => `  ${line}\n`).join('');
}

function formatData(data: RecordData): string {
  switch (data.kind) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return data.target;
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
    case 'TXT':
      return data.texts.map((text) => JSON.stringify(text)).join(' ');
    case 'SOA':
      return `${data.primary} ${data.mailbox} ${data.serial} ${data.refreshSeconds} ${data.retrySeconds} ${data.expireSeconds} ${data.negativeTtlSeconds}`;
    case 'OPT':
      return `${data.options.length} options`;
    case 'opaque':
      return `\\# ${data.bytes.length}`;
  }
}
