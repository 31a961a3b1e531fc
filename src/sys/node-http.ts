/**
 * node:http without what it costs to import: an import statement asks a module for all it exports, and among those of
 * node:http are WebSockets, for which Node loads a second HTTP client (12 MB and 30 ms of every process of ours).
 */
import { getBuiltinModule } from 'node:process';

export const nodeHttp = getBuiltinModule('node:http');
