import type { Group } from './group.ts'
import type { Silence } from './silence.ts'
import type { Trouble } from './trouble.ts'

export interface TroublePage {
  readonly limit: number
  readonly open?: boolean
  readonly project?: string
  readonly endpoint?: string
  readonly kind?: string
  /** The place of the last one of the page before. */
  readonly before?: string
}

export interface AlertingReads {
  findTrouble(id: string): Promise<Trouble | undefined>
  /** The one about this that is not cleared. */
  openTrouble(key: string): Promise<Trouble | undefined>
  /** The last that came up first. */
  troubles(page: TroublePage): Promise<Trouble[]>
  /** Those of these ids that are there, in any order. */
  troublesOf(ids: readonly string[]): Promise<Trouble[]>
  findGroup(id: string): Promise<Group | undefined>
  /** The one of this key that is not over. */
  openGroup(key: string): Promise<Group | undefined>
  /** All that are not over. */
  openGroups(): Promise<Group[]>
  findSilence(id: string): Promise<Silence | undefined>
  /** Those that end after this. */
  silencesAfter(nowMs: number): Promise<Silence[]>
  /** The last made first; `before` is the id of the last one of the page before. */
  silences(page: { limit: number; before?: string }): Promise<Silence[]>
}

export interface AlertingWrites extends AlertingReads {
  saveTrouble(trouble: Trouble): Promise<void>
  saveGroup(group: Group): Promise<void>
  saveSilence(silence: Silence): Promise<void>
}
