import type { Variables, Workshop } from './workshop.ts'

/** How one kind of environment is made in a folder of its own. */
export interface Recipe {
  /** What it is known by, besides the Python and the platform. */
  readonly identity: Readonly<Record<string, unknown>>
  /** The file that says what is in it. */
  readonly file: string | undefined
  build(place: string, shop: Workshop): Promise<void>
  /** False when something that it needs of the machine has gone. */
  isWhole(place: string): boolean
  /** What must not change once it is built; quick to tell. */
  contents(place: string): string
  /** Variables for processes that run in it. */
  variables(place: string, around: Variables): Record<string, string>
  /** Every package with its version, one a line. */
  resolved(place: string, shop: Workshop): Promise<string>
}
