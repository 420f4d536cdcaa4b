/* A hot spot spreads along a rod with cold ends; each rank computes a part of the rod.
 *
 *     mpicc -O2 -o rods rods.c
 *     mpiexec -n 3 ./rods DIFFUSIVITY CELLS
 *
 * Prints one line of JSON: the seconds until no place is warmer than half of what the hottest
 * one was, and the heat that is left then. DIFFUSIVITY is in square metres per second. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define LENGTH_M 1.0
#define LIMIT 0.5   /* of the temperature at the beginning, where that is not 0 */
#define STABLE 0.4  /* a step's diffusivity * step_s / cell_m^2; below one half */
#define BETWEEN 20  /* steps from one look at the hottest place to the next */

/* The middle fifth of the rod is hot at the beginning. */
static double first(long cell, long cells) {
    return 5 * cell >= 2 * cells && 5 * cell < 3 * cells ? 1.0 : 0.0;
}

/* Compute one step; old[0] and old[count + 1] are the neighbours' cells. */
static void step(const double *old, double *next, long count) {
    for (long i = 1; i <= count; i++)
        next[i] = old[i] + STABLE * (old[i - 1] - 2 * old[i] + old[i + 1]);
}

/* Fetch the cells beside this part; beyond the ends of the rod it is cold. */
static void exchange(double *rod, long count, int left, int right) {
    MPI_Sendrecv(&rod[1], 1, MPI_DOUBLE, left, 0, &rod[count + 1], 1, MPI_DOUBLE, right, 0,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(&rod[count], 1, MPI_DOUBLE, right, 1, &rod[0], 1, MPI_DOUBLE, left, 1,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Return the temperature of the hottest place of the whole rod. */
static double hottest(const double *rod, long count) {
    double mine = 0.0, all;
    for (long i = 1; i <= count; i++)
        if (rod[i] > mine) mine = rod[i];
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return all;
}

int main(int argc, char **argv) {
    int rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    double diffusivity = argc == 3 ? atof(argv[1]) : 0;
    long cells = argc == 3 ? atol(argv[2]) : 0;
    if (diffusivity <= 0 || cells < size) {
        if (rank == 0) fprintf(stderr, "usage: rods DIFFUSIVITY CELLS (at least one per rank)\n");
        MPI_Finalize();
        return 2;
    }
    long begin = cells * rank / size, count = cells * (rank + 1) / size - begin;
    int left = rank > 0 ? rank - 1 : MPI_PROC_NULL;
    int right = rank + 1 < size ? rank + 1 : MPI_PROC_NULL;
    double *old = calloc(count + 2, sizeof *old), *next = calloc(count + 2, sizeof *next);
    if (old == NULL || next == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
    for (long i = 1; i <= count; i++) old[i] = first(begin + i - 1, cells);

    long steps = 0;
    while (hottest(old, count) > LIMIT)
        for (long i = 0; i < BETWEEN; i++, steps++) {
            exchange(old, count, left, right);
            step(old, next, count);
            double *swap = old;
            old = next;
            next = swap;
        }

    double cell_m = LENGTH_M / cells, mine = 0.0, heat = 0.0;
    for (long i = 1; i <= count; i++) mine += old[i] * cell_m;
    MPI_Reduce(&mine, &heat, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        printf("{\"cooling_s\": %.17g, \"heat\": %.17g, \"steps\": %ld, \"size\": %d}\n",
               steps * (STABLE * cell_m * cell_m / diffusivity), heat, steps, size);
    free(old);
    free(next);
    MPI_Finalize();
    return 0;
}
