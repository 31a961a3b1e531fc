/**
 * Every field of KubeProxyConfiguration v1alpha1 (kube-proxy/config/v1alpha1/types.go of 1.36): its type, and why it
 * changes nothing where it does not.
 */
import { isJsonArray, isJsonObject } from '../kube/index.ts';
import { nearNames } from '../model/index.ts';

type FieldType = keyof typeof types;

interface Field {
  readonly type: FieldType;
  /** Why it changes nothing here; undefined: it is used. */
  readonly note?: string;
}

/** Of a value that is there. */
const types = {
  text: { is: (value: unknown) => typeof value === 'string', says: 'is no text' },
  duration: { is: (value: unknown) => typeof value === 'string', says: 'is no duration' },
  yesno: { is: (value: unknown) => typeof value === 'boolean', says: 'is neither true nor false' },
  number: { is: (value: unknown) => typeof value === 'number', says: 'is no number' },
  whole: { is: (value: unknown) => Number.isInteger(value), says: 'is no whole number' },
  texts: {
    is: (value: unknown) => isJsonArray(value) && value.every((one) => typeof one === 'string'),
    says: 'is no list of texts',
  },
  mapping: { is: isJsonObject, says: 'is no mapping' },
} as const;

const kernelTuning = "this is the host's to set; Switchyard leaves it as it is";
const iptablesOnly = 'it belongs to the iptables mode';
const otherApi = 'Switchyard chooses it by itself';
const otherWay = 'detectLocalMode says another way';
const noWindows = 'this is no Windows host';
const noMarks = 'no packet marks are used';
const excluded = 'only virtual servers of its own are touched';

const sync = { syncPeriod: { type: 'duration' }, minSyncPeriod: { type: 'duration' } } as const;

/** By section; the first holds those that are in none. */
const sections: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  '': {
    apiVersion: { type: 'text' },
    kind: { type: 'text' },
    featureGates: { type: 'mapping', note: 'Switchyard has no feature gates' },
    logging: { type: 'mapping', note: 'use --log-level and --log-format' },
    hostnameOverride: { type: 'text' },
    bindAddress: { type: 'text', note: 'the families are those of the Services' },
    healthzBindAddress: { type: 'text' },
    metricsBindAddress: { type: 'text' },
    bindAddressHardFail: {
      type: 'yesno',
      note: 'an address that is taken is reported and tried again',
    },
    enableProfiling: { type: 'yesno', note: 'there are no profiling pages' },
    showHiddenMetricsForVersion: { type: 'text', note: 'there are no hidden metrics' },
    mode: { type: 'text', note: 'give --mode; auto takes the best this host can do' },
    winkernel: { type: 'mapping', note: noWindows },
    detectLocalMode: { type: 'text' },
    clusterCIDR: { type: 'text', note: otherWay },
    nodePortAddresses: { type: 'texts' },
    oomScoreAdj: { type: 'whole', note: kernelTuning },
    configSyncPeriod: {
      type: 'duration',
      note: 'watches are resumed, and lists made again only when they must be',
    },
    portRange: { type: 'text', note: 'it has no meaning since Kubernetes 1.26 either' },
    windowsRunAsService: { type: 'yesno', note: noWindows },
  },
  clientConnection: {
    kubeconfig: { type: 'text' },
    acceptContentTypes: { type: 'text', note: otherApi },
    contentType: { type: 'text', note: otherApi },
    qps: { type: 'number', note: otherApi },
    burst: { type: 'whole', note: otherApi },
  },
  iptables: {
    ...sync,
    masqueradeAll: { type: 'yesno' },
    masqueradeBit: { type: 'whole', note: iptablesOnly },
    localhostNodePorts: { type: 'yesno', note: iptablesOnly },
  },
  ipvs: {
    ...sync,
    // Whatever the mode: who comes from IPVS keeps the scheduler of old.
    scheduler: { type: 'text' },
    excludeCIDRs: { type: 'texts', note: excluded },
    strictARP: { type: 'yesno', note: 'no interface is given the addresses of Services' },
    tcpTimeout: { type: 'duration', note: kernelTuning },
    tcpFinTimeout: { type: 'duration', note: kernelTuning },
    udpTimeout: { type: 'duration', note: kernelTuning },
  },
  nftables: {
    ...sync,
    masqueradeAll: { type: 'yesno' },
    masqueradeBit: { type: 'whole', note: noMarks },
  },
  detectLocal: {
    bridgeInterface: { type: 'text', note: otherWay },
    interfaceNamePrefix: { type: 'text', note: otherWay },
  },
  conntrack: {
    maxPerCore: { type: 'whole', note: kernelTuning },
    min: { type: 'whole', note: kernelTuning },
    tcpEstablishedTimeout: { type: 'duration', note: kernelTuning },
    tcpCloseWaitTimeout: { type: 'duration', note: kernelTuning },
    tcpBeLiberal: { type: 'yesno', note: kernelTuning },
    udpTimeout: { type: 'duration', note: kernelTuning },
    udpStreamTimeout: { type: 'duration', note: kernelTuning },
  },
};

/** By dotted path, sections too. */
export const kubeProxyFields: ReadonlyMap<string, Field> = new Map(
  Object.entries(sections).flatMap(([section, fields]): [string, Field][] => [
    ...(section === '' ? [] : [[section, { type: 'mapping' }] as [string, Field]]),
    ...Object.entries(fields).map(([name, field]): [string, Field] => [
      section === '' ? name : `${section}.${name}`,
      field,
    ]),
  ]),
);

/** What is wrong with a value: `is no text`; undefined when it may stand there, or nobody knows the field. */
export function typeMissed(path: string, value: unknown): string | undefined {
  const field = kubeProxyFields.get(path);
  if (field === undefined) return undefined;
  const { is, says } = types[field.type];
  return is(value) ? undefined : says;
}

export function unknownField(path: string): string {
  const fields = [...kubeProxyFields].filter(([, { type }]) => type !== 'mapping');
  const [near] = nearNames(
    path,
    fields.map(([name]) => name),
  );
  return `no such field is known${near === undefined ? '' : `; ${near} is`}`;
}
