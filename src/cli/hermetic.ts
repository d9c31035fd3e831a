import type { WatchWish } from '#stages'

/** `--hermetic`, `--hermetic=observe` and `--no-hermetic`. */
export const HERMETIC_FLAG = [
  'hermetic',
  {
    type: 'string',
    describe:
      'Keep stages to what they declare (strict), or only tell what else they look at (observe); --no-hermetic: neither',
  },
] as const

const WISHES: Readonly<Record<string, WatchWish>> = {
  '': 'strict',
  strict: 'strict',
  true: 'strict',
  observe: 'observe',
  possible: 'possible',
  off: 'off',
  false: 'off',
}

/** What the flag says. Written without a value it takes the word behind it, which is a target then. */
export function hermeticOf(
  flag: string | boolean | undefined,
  targets: readonly string[],
): { hermetic: WatchWish | undefined; targets: readonly string[] } {
  if (flag === undefined) return { hermetic: undefined, targets }
  const wish = WISHES[String(flag)]
  return wish === undefined
    ? { hermetic: 'strict', targets: [String(flag), ...targets] }
    : { hermetic: wish, targets }
}
