import type { Migration } from '../migrate.ts'
import { ledgerTables } from './0001-ledger.ts'
import { workTables } from './0002-work.ts'
import { projectTables } from './0003-projects.ts'
import { governanceTables } from './0009-governance.ts'
import { automationTables } from './0010-automation.ts'

/** Every step, in order. A new step goes at the end. */
export const migrations: readonly Migration[] = [
  ledgerTables,
  workTables,
  projectTables,
  governanceTables,
  automationTables,
]
