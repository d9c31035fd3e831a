import { systemClock } from '#base/clock'
import type { DataStep } from '#data'
import { showProgress, type Progress } from './progress.ts'
import { sizeOf } from './retention.ts'

const WORDS: Readonly<Record<DataStep['what'], string>> = {
  hashed: 'files hashed',
  copied: 'objects copied',
  placed: 'files written',
}

/** Shows how far data's long steps have come, on a terminal only, and nothing where JSON or quiet was asked for. */
export function showSteps(args: readonly string[]): (step: DataStep) => void {
  const isQuiet = args.some((arg) => ['--json', '-q', '--quiet'].includes(arg))
  if (isQuiet || !process.stderr.isTTY) return () => undefined
  let shown: Shown | undefined
  return (step) => {
    if (shown?.what !== step.what) {
      shown?.progress.end()
      shown = {
        what: step.what,
        progress: showProgress(WORDS[step.what], {}),
        files: 0,
        sizeBytes: 0,
        startMs: systemClock.nowMs(),
      }
      shown.progress.expect(step.ofFiles)
    }
    shown.files += step.files
    shown.sizeBytes += step.sizeBytes
    const seconds = (systemClock.nowMs() - shown.startMs) / 1000
    const rate = seconds > 0 ? `, ${sizeOf(Math.round(shown.sizeBytes / seconds))}/s` : ''
    shown.progress.add(step.files, shown.sizeBytes > 0 ? `${sizeOf(shown.sizeBytes)}${rate}` : '')
    if (shown.files < step.ofFiles) return
    shown.progress.end()
    shown = undefined
  }
}

interface Shown {
  readonly what: DataStep['what']
  readonly progress: Progress
  readonly startMs: number
  files: number
  sizeBytes: number
}
