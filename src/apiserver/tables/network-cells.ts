/** What Tables show of slices and Ingresses (pkg/printers/internalversion, Kubernetes 1.36). */
import type {
  Endpoints,
  EndpointSlice,
  Ingress,
  IngressClass,
  IpAddress,
  Lease,
  ServiceCidr,
} from '../../kube/index.ts';
import type { Cells } from './core-cells.ts';

/** As many as a cell names before it only counts. */
const shown = 3;
const unset = '<unset>';

function shortened(items: readonly string[]): string {
  if (items.length === 0) return unset;
  const first = items.slice(0, shown).join(',');
  return items.length > shown ? `${first} + ${items.length - shown} more...` : first;
}

export function endpointSliceCells({ addressType, ports, endpoints }: EndpointSlice): Cells {
  const portTexts = (ports ?? []).map(({ port, name = '' }) =>
    port === undefined ? (name === '' ? '*' : name) : String(port),
  );
  const addresses = (endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
  return [addressType, shortened(portTexts), shortened(addresses)];
}

/** Ready addresses with each of their ports. */
export function endpointsCells({ subsets }: Endpoints): Cells {
  const all = (subsets ?? []).flatMap(({ addresses, ports }) =>
    (ports ?? []).flatMap(({ port }) =>
      (addresses ?? []).map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
    ),
  );
  return [all.length === 0 ? '<none>' : shortened(all)];
}

export function serviceCidrCells({ spec }: ServiceCidr): Cells {
  return [(spec?.cidrs ?? []).join(',')];
}

export function ipAddressCells({ spec }: IpAddress): Cells {
  const { group = '', resource = '', namespace = '', name = '' } = spec?.parentRef ?? {};
  return [
    [resource === '' || group === '' ? resource : `${resource}.${group}`, namespace, name]
      .filter((part) => part !== '')
      .join('/'),
  ];
}

export function ingressCells({ spec = {}, status }: Ingress): Cells {
  const hosts = (spec.rules ?? []).flatMap(({ host = '' }) => (host === '' ? [] : [host]));
  const addresses = (status?.loadBalancer?.ingress ?? []).flatMap(
    ({ ip, hostname }) => ip ?? hostname ?? [],
  );
  const hostText =
    hosts.length === 0
      ? '*'
      : hosts.length > shown
        ? `${hosts.slice(0, shown).join(',')} + ${hosts.length - shown} more...`
        : hosts.join(',');
  return [
    spec.ingressClassName ?? '<none>',
    hostText,
    addresses.join(','),
    (spec.tls ?? []).length > 0 ? '80, 443' : '80',
  ];
}

export function ingressClassCells({ spec }: IngressClass): Cells {
  const { controller = '', parameters } = spec ?? {};
  const reference =
    parameters === undefined
      ? '<none>'
      : [
          parameters.kind,
          ...(parameters.apiGroup === undefined ? [] : [`.${parameters.apiGroup}`]),
          `/${parameters.name}`,
        ].join('');
  return [controller, reference];
}

export function leaseCells({ spec }: Lease): Cells {
  return [spec?.holderIdentity ?? ''];
}
