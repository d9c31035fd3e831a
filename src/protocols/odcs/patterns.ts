import { RE2JS } from 're2js'

/** Why a pattern cannot be used; undefined for one that can. The engine has RE2, which never takes more than linear time. */
export function refusedPattern(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return `the pattern cannot be used: ${said}; patterns are RE2's, without look-around and back references`
  }
}
