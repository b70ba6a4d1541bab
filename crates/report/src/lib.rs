//! Heat maps, plots and the HTML report of a pimo run.
