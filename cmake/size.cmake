# Functions that nobody calls are left out of the executable, which matters on a gateway's flash.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,--as-needed)
