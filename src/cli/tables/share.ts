import { showProgress } from '../progress.ts'

/** Progress of work of which only the share is known that is done. */
export function showShare(
  what: string,
  flags: { json?: boolean | undefined; quiet?: boolean | undefined },
): { at: (share: number) => void; end: () => void } {
  const progress = showProgress('%', flags)
  progress.expect(100)
  let shown = 0
  return {
    at: (share) => {
      const percent = Math.floor(share * 100)
      // Work of several steps begins anew with each; the bar only goes on.
      progress.add(Math.max(0, percent - shown), what)
      shown = Math.max(shown, percent)
    },
    end: () => progress.end(),
  }
}
