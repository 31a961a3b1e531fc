/** Whether a difference between counted and expected shares is chance: Pearson's chi-squared test. Pure. */

/**
 * How likely chance alone gives a difference as large or larger, 0 to 1. Places that are expected nothing and got
 * something make it 0; fewer than two places leave nothing to chance.
 */
export function chanceOfDifference(seen: readonly number[], expected: readonly number[]): number {
  let statistic = 0;
  let places = 0;
  for (const [i, due] of expected.entries()) {
    const got = seen[i] ?? 0;
    if (due > 0) {
      statistic += (got - due) ** 2 / due;
      places++;
    } else if (got > 0) return 0;
  }
  return places < 2 ? 1 : upperGamma((places - 1) / 2, statistic / 2);
}

/** The regularised upper incomplete gamma function Q(a, x) (Numerical Recipes 6.2: series and continued fraction). */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const factor = Math.exp(-x + a * Math.log(x) - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = a + 1; Math.abs(term) > Math.abs(sum) * 1e-14; n++) {
      term *= x / n;
      sum += term;
    }
    return Math.max(0, 1 - sum * factor);
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 10_000; n++) {
    const an = -n * (n - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-14) break;
  }
  return Math.min(1, fraction * factor);
}

/** Lanczos' approximation, good to 1e-13 for positive arguments. */
function logGamma(x: number): number {
  const coefficients = [
    76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155,
    0.1208650973866179e-2, -0.5395239384953e-5,
  ];
  const t = x + 5.5 - (x + 0.5) * Math.log(x + 5.5);
  const series = coefficients.reduce((sum, c, i) => sum + c / (x + 1 + i), 1.000000000190015);
  return -t + Math.log((2.5066282746310007 * series) / x);
}
