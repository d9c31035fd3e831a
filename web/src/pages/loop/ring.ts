/** The geometry of the ring: nine places on an ellipse, the model at its top. style.css has the same places. */
const WIDTH = 1000
const HEIGHT = 440
const RADIUS_X = 405
const RADIUS_Y = 160
const STEP_DEG = 40
const TOP_STATION = 3

export const RING = { width: WIDTH, height: HEIGHT, radiusX: RADIUS_X, radiusY: RADIUS_Y } as const

function pointAt(place: number): { x: number; y: number } {
  const angle = ((place - TOP_STATION) * STEP_DEG * Math.PI) / 180
  return {
    x: WIDTH / 2 + RADIUS_X * Math.sin(angle),
    y: HEIGHT / 2 - RADIUS_Y * Math.cos(angle),
  }
}

/** The way from one station to the next. */
export function arcFrom(station: number): string {
  const from = pointAt(station)
  const to = pointAt(station + 1)
  return `M${from.x.toFixed(1)} ${from.y.toFixed(1)}A${RADIUS_X} ${RADIUS_Y} 0 0 1 ${to.x.toFixed(1)} ${to.y.toFixed(1)}`
}

/** Where an arrow on that way stands, and which way it points. */
export function arrowFrom(station: number): string {
  const at = pointAt(station + 0.5)
  const angle = ((station + 0.5 - TOP_STATION) * STEP_DEG * Math.PI) / 180
  const heading =
    (Math.atan2(RADIUS_Y * Math.sin(angle), RADIUS_X * Math.cos(angle)) * 180) / Math.PI
  return `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)}) rotate(${heading.toFixed(1)})`
}
