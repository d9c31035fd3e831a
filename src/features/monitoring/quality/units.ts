/** How numbers change when somebody upstream changes the unit: `to = from * times + plus`. */
export interface UnitChange {
  readonly name: string
  readonly times: number
  readonly plus: number
}

const scale = (name: string, times: number): UnitChange[] => [
  { name: `multiplied by ${name}`, times, plus: 0 },
  { name: `divided by ${name}`, times: 1 / times, plus: 0 },
]

/** The changes that people make: prefixes, time, lengths, weights and volumes, and the scales of temperature. */
const CHANGES: readonly UnitChange[] = [
  ...scale('10', 10),
  ...scale('100', 100),
  ...scale('1000', 1000),
  ...scale('1,000,000', 1e6),
  ...scale('1,000,000,000', 1e9),
  ...scale('1024', 1024),
  ...scale('24', 24),
  ...scale('60', 60),
  ...scale('3600', 3600),
  ...scale('86,400', 86_400),
  ...scale('1.609 (kilometres and miles)', 1.609344),
  ...scale('1.852 (kilometres and nautical miles)', 1.852),
  ...scale('3.6 (m/s and km/h)', 3.6),
  ...scale('2.237 (m/s and mph)', 2.236936),
  ...scale('1.944 (m/s and knots)', 1.943844),
  ...scale('2.54 (centimetres and inches)', 2.54),
  ...scale('25.4 (millimetres and inches)', 25.4),
  ...scale('0.0254 (metres and inches)', 0.0254),
  ...scale('3.281 (metres and feet)', 3.28084),
  ...scale('2.205 (kilograms and pounds)', 2.204623),
  ...scale('28.35 (grams and ounces)', 28.349523),
  ...scale('3.785 (litres and gallons)', 3.785412),
  ...scale('33.86 (hectopascals and inches of mercury)', 33.8639),
  ...scale('6.895 (kilopascals and psi)', 6.894757),
  { name: 'turned from °C into °F', times: 1.8, plus: 32 },
  { name: 'turned from °F into °C', times: 1 / 1.8, plus: -32 / 1.8 },
  { name: 'turned from °C into K', times: 1, plus: 273.15 },
  { name: 'turned from K into °C', times: 1, plus: -273.15 },
  { name: 'taken with the other sign', times: -1, plus: 0 },
]

/** A jump must be so many times what it leaves when it is undone. */
const EXPLAINED = 8
/** And what it leaves no more than this part of how much a window's values differ among themselves. */
const LEFT_MAX = 0.2
/** Windows of one unit have so much in common; a jump beyond is looked at. In standard deviations of the reference. */
const JUMP_MIN = 1

/**
 * The change of unit that explains how the tenths of a window jumped from those of all of `windows` (the last one the
 * nearest); undefined when they did not, or when none of the known changes leaves next to nothing of it. `unit` is
 * how far values of this column ordinarily lie apart, `step` how far one window ordinarily is from the next,
 * or 0 where the window is far from all that is ordinary anyway. `least`: how many units a jump has at least.
 */
export function unitChangeOf(
  now: readonly number[],
  windows: readonly (readonly number[])[],
  { unit, step, least = JUMP_MIN }: { unit: number; step: number; least?: number },
): UnitChange | undefined {
  const before = windows.at(-1)
  if (now.length === 0 || before === undefined || before.length === 0) return undefined
  const jump = nearest(now, windows)
  const spread = Math.abs((before[9] as number) - (before[1] as number))
  if (!(jump > least * unit) || spread === 0) return undefined
  const isLeap = step > 0
  const left = (isLeap ? CHANGES.filter(isDistinct) : CHANGES)
    .map((change) => ({
      change,
      left: isLeap ? nearest(undone(now, change), windows) : distance(undone(now, change), before),
    }))
    .reduce((best, each) => (each.left < best.left ? each : best))
  const isExplained =
    left.left * EXPLAINED < jump && left.left < Math.max(LEFT_MAX * spread, isLeap ? step : 0)
  return isExplained ? left.change : undefined
}

/** Scales of temperature: a factor alone is met by chance where windows differ much from one to the next. */
function isDistinct({ plus }: UnitChange): boolean {
  return plus !== 0
}

function nearest(tenths: readonly number[], windows: readonly (readonly number[])[]): number {
  return windows.reduce((least, each) => Math.min(least, distance(tenths, each)), Infinity)
}

function undone(tenths: readonly number[], { times, plus }: UnitChange): number[] {
  const values = tenths.map((value) => (value - plus) / times)
  return times < 0 ? values.toReversed() : values
}

/** The ends are left out: one outlier moves them anywhere. */
export function distance(one: readonly number[], other: readonly number[]): number {
  let sum = 0
  for (let tenth = 1; tenth <= 9; tenth++)
    sum += Math.abs((one[tenth] as number) - (other[tenth] as number))
  return sum / 9
}
