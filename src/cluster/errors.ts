/** What can go wrong on the way to a Kubernetes API that is not ours. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const clusterErrors = {
  user: {
    KUBECONFIG_INVALID: 'A kubeconfig cannot be read, or lacks what leads to a cluster',
    CLUSTER_NONE: 'No kubeconfig was given and this is no Pod of a cluster',
    CONFIG_FILE_INVALID:
      'A file given as a KubeProxyConfiguration is none, or has a value that is not taken',
    CREDENTIALS_FAILED:
      'The credentials of a kubeconfig could not be had: a file, or the program it names',
    CLUSTER_FORBIDDEN: 'The user of a kubeconfig may not do in a cluster what a command needs',
  },
  ours: {
    KEPT_STATE_DAMAGED: 'The state kept on disk is damaged or of another version; it is not used',
  },
} as const satisfies ErrorTable;

export class ClusterError extends CodedError<CodeOf<typeof clusterErrors>> {}
