import type { DataStep } from '#data'
import { showProgress, type Progress } from './progress.ts'

const WORDS: Readonly<Record<DataStep['what'], string>> = {
  hashed: 'files hashed',
  copied: 'objects copied',
  placed: 'files written',
  fetched: 'files fetched',
  sent: 'objects sent',
}

/** Shows how far data's long steps have come, on a terminal only, and nothing where JSON or quiet was asked for. */
export function showSteps(args: readonly string[]): ((step: DataStep) => void) | undefined {
  const isQuiet = args.some((arg) => ['--json', '-q', '--quiet'].includes(arg))
  if (isQuiet || !process.stderr.isTTY) return undefined
  let shown: { what: DataStep['what']; progress: Progress; files: number } | undefined
  return ({ what, files, sizeBytes, ofFiles, ofBytes }) => {
    if (shown?.what !== what) {
      shown?.progress.end()
      shown = { what, progress: showProgress(WORDS[what], {}), files: 0 }
    }
    shown.files += files
    shown.progress.expect(ofFiles, ofBytes)
    shown.progress.pass(sizeBytes)
    shown.progress.add(files)
    if (shown.files < ofFiles) return
    shown.progress.end()
    shown = undefined
  }
}
