/** The file that tells kubectl and every other client where the API is and how to prove who asks. */
import type { Credentials } from './credentials.ts';

export interface KubeconfigOptions {
  /** `https://127.0.0.1:6443`. */
  readonly server: string;
  /** Names the cluster, the user and the context. */
  readonly name: string;
  readonly credentials: Pick<Credentials, 'caCert' | 'token'>;
}

/** JSON values are YAML: quoted so, no name can break the file. */
export function formatKubeconfig({ server, name, credentials }: KubeconfigOptions): string {
  const context = JSON.stringify(`switchyard-${name}`);
  const ca = Buffer.from(credentials.caCert).toString('base64');
  return `apiVersion: v1
kind: Config
clusters:
- name: ${context}
  cluster:
    server: ${JSON.stringify(server)}
    certificate-authority-data: ${ca}
users:
- name: ${context}
  user:
    token: ${JSON.stringify(credentials.token)}
contexts:
- name: ${context}
  context:
    cluster: ${context}
    user: ${context}
    namespace: default
current-context: ${context}
`;
}
