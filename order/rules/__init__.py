"""The rules of prices as a process knows them: loaded with their revision, which placing an order compares."""
