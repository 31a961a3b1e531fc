/** What README.md shows is what happens. */
import { testPage } from '../support/page.ts';

testPage({ page: 'README.md', name: 'readme' });
