/** Where names are answered and the door, a line each with what it is for. */
import type { InstanceView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';
import { renderTable, type Column } from './table.ts';

interface Way {
  readonly what: string;
  readonly address: string;
  readonly use: string;
}

const columns: readonly Column<Way>[] = [
  { header: 'WHAT', cell: ({ what }) => what },
  { header: 'ADDRESS', cell: ({ address }) => address },
  { header: 'USE', cell: ({ use }) => use },
];

export function renderWays(
  { dns, door }: NonNullable<InstanceView['names']>,
  paint: Paint,
): string {
  const ways: readonly Way[] = [
    ...dns.map((address) => ({ what: 'dns', address, use: 'UDP and TCP; see switchyard doctor' })),
    ...(door === undefined
      ? []
      : [{ what: 'door', address: door, use: `socks5h://${door} or http://${door} as proxy` }]),
  ];
  return renderTable(columns, ways, paint);
}
