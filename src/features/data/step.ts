import type { Moving } from './store.ts'

/** Part of long work that is done, told as it goes: so many files of so many were hashed, or copied to where they belong. */
export interface DataStep {
  readonly what: 'hashed' | 'copied' | 'placed' | 'fetched' | 'sent'
  /** Since the step before; none while a large one is under way. */
  readonly files: number
  /** Since the step before; bytes that have to go once more are taken back. */
  readonly sizeBytes: number
  /** In all. */
  readonly ofFiles: number
  /** In all, where that is known. */
  readonly ofBytes?: number | undefined
}

/** Tells of objects that are moved as of steps. */
export function movingSteps(
  what: DataStep['what'],
  onStep: ((step: DataStep) => void) | undefined,
): Moving {
  if (onStep === undefined) return {}
  let ofFiles = 0
  const sized = { objects: 0, sizeBytes: 0 }
  // Of what has not begun to move nobody knows how large it is: as large as the others, for all one can tell.
  const ofBytes = () => (sized.objects === 0 ? 0 : (sized.sizeBytes * ofFiles) / sized.objects)
  return {
    onMore: (objects) => void (ofFiles += objects),
    onSize: (objects, sizeBytes) => {
      sized.objects += objects
      sized.sizeBytes += sizeBytes
    },
    onDone: (files, sizeBytes) => onStep({ what, files, sizeBytes, ofFiles, ofBytes: ofBytes() }),
  }
}
