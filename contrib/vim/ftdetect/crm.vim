autocmd BufRead,BufNewFile *.crm,*.crmsh,*.pcmk setfiletype crm
