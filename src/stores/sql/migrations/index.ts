import type { Migration } from '../migrate.ts'
import { ledgerTables } from './0001-ledger.ts'
import { workTables } from './0002-work.ts'
import { projectTables } from './0003-projects.ts'

/** Every step, in order. A new step goes at the end. */
export const migrations: readonly Migration[] = [ledgerTables, workTables, projectTables]
