/** What the gateway of a ServicePort lacks: a value, since several rooms tell people of it, each in its own words. */

export type SecretProblem = 'missing' | 'incomplete' | 'unreadable' | 'key-mismatch' | 'expired';

export type GatewayLack =
  | {
      readonly kind: 'secret';
      readonly problem: SecretProblem;
      /** `namespace/name`. */
      readonly secret: string;
      /** A sentence without a full stop. */
      readonly text: string;
    }
  | { readonly kind: 'session-key' | 'port'; readonly text: string };
