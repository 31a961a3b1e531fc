/** What of the conformance suite this driver does not do, and why: shown to people in docs/drivers/conformance.md. */

/** By story. */
export const storySkips = {
  'lc gives to the endpoint with the fewest open connections':
    'rules see no connection end; rr stands in, by name',
  'IPv6 is spread as IPv4 is': 'every story has a round of its own for IPv6',
  'UDP: IPv6 is spread as IPv4 is': 'every story has a round of its own for IPv6',
} as const;
