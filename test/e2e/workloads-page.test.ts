/** What docs/workloads.md shows is what happens. */
import { testPage } from '../support/page.ts';

testPage({
  page: 'docs/workloads.md',
  name: 'workloads-page',
  programs: ['curl'],
  linuxOnly: true,
});
