// Unpacks the Chromium of @sparticuz/chromium, its fonts and the libraries that a bare machine lacks into TMPDIR.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import chromium, { inflate } from '@sparticuz/chromium';

const packed = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..', '..', 'bin');
await chromium.executablePath(packed);
await inflate(join(packed, 'al2023.tar.br'));
