/**
 * What a check is: data, so that drivers and features add theirs to the list and nothing else changes. A check looks
 * and never touches the host.
 */

export interface Finding {
  /** `worse`: something works less well; `broken`: something does not work at all. */
  readonly state: 'fine' | 'worse' | 'broken';
  /** What was found, as people say it: `1048576 descriptors`. */
  readonly found: string;
  /** What cannot be had because of it; undefined when it is fine. */
  readonly costs?: string | undefined;
  /** The exact command or setting; undefined when it is fine. */
  readonly remedy?: string | undefined;
}

export interface Check {
  /** Stable, for scripts: `low-ports`. */
  readonly id: string;
  readonly title: string;
  /** Platforms it makes sense on, by Node's names; undefined: all. */
  readonly platforms?: readonly string[] | undefined;
  /** Undefined: there is nothing to say of it on this host, or to this user. */
  readonly look: () => Promise<Finding | undefined>;
}

export interface CheckedView extends Finding {
  readonly id: string;
  readonly title: string;
}

/** In the order given; a check that fails itself is a finding too. */
export async function runChecks(
  checks: readonly Check[],
  platform: string,
): Promise<readonly CheckedView[]> {
  const mine = checks.filter(({ platforms }) => platforms?.includes(platform) ?? true);
  const found = await Promise.all(
    mine.map(async ({ id, title, look }) => {
      try {
        const finding = await look();
        return finding && { id, title, ...finding };
      } catch (thrown) {
        const found = `cannot be told: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
        return { id, title, state: 'worse', found, costs: undefined, remedy: undefined } as const;
      }
    }),
  );
  return found.filter((one) => one !== undefined);
}

export const fine = (found: string): Finding => ({ state: 'fine', found });
