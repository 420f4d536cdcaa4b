# Prints as JSON how far a ball flies that is thrown with 30 m/s.
# awk -v tangent=TANGENT_OF_HALF_THE_ANGLE -v drag=DRAG -f flight.awk
BEGIN {
    step = 0.001
    across = 30 * (1 - tangent * tangent) / (1 + tangent * tangent)
    up = 30 * 2 * tangent / (1 + tangent * tangent)
    x = y = top = time = 0
    while (y >= 0) {
        across -= step * drag * across
        up -= step * (9.81 + drag * up)
        x += step * across
        y += step * up
        time += step
        if (y > top) top = y
    }
    printf "{\"distance_m\": %.3f, \"height_m\": %.3f, \"time_s\": %.3f}\n", x, top, time
}
