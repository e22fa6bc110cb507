"""How `optotype serve` stands up to requests, alone and beside other servers; the load shares its cores."""
