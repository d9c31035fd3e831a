/** Part of long work that is done, told as it goes: so many files of so many were hashed, or copied to where they belong. */
export interface DataStep {
  readonly what: 'hashed' | 'copied' | 'placed'
  /** Since the step before. */
  readonly files: number
  readonly sizeBytes: number
  /** In all. */
  readonly ofFiles: number
}
