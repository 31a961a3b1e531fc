/** What docs/names.md shows is what happens. */
import { testPage } from '../support/page.ts';

testPage({ page: 'docs/names.md', name: 'page', programs: ['dig', 'curl'], linuxOnly: true });
